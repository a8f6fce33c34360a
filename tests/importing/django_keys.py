"""Makes a database of django-rest-knox and djangorestframework-api-key, at the URL in the first argument, and prints the keys as JSON."""

import datetime
import json
import sys
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import call_command

url = urlsplit(sys.argv[1])
database = {"ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], "USER": url.username, "HOST": url.hostname, "PORT": url.port}
apps = ["auth", "contenttypes"]
settings.configure(
    DATABASES={"default": database},
    INSTALLED_APPS=[*(f"django.contrib.{app}" for app in apps), "rest_framework", "rest_framework_api_key", "knox"],
    USE_TZ=True,
    SECRET_KEY="a secret of this test",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth.hashers import make_password  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.utils import timezone  # noqa: E402
from knox.models import AuthToken  # noqa: E402
from rest_framework_api_key.models import APIKey  # noqa: E402

hour = datetime.timedelta(hours=1)
ada = User.objects.create_user("ada")
_, token = AuthToken.objects.create(ada)
_, lasting = AuthToken.objects.create(ada, expiry=None)
_, expired = AuthToken.objects.create(ada, expiry=-hour)
knox = {"good": [token, lasting], "bad": [expired], "header": "Authorization", "scheme": "Token"}

_, key = APIKey.objects.create_key(name="billing", expiry_date=timezone.now() + hour)
_, forever = APIKey.objects.create_key(name="reports")
_, revoked = APIKey.objects.create_key(name="revoked", revoked=True)
older, old = APIKey.objects.create_key(name="of version 2")
APIKey.objects.filter(pk=older.pk).update(hashed_key=make_password(old, hasher="pbkdf2_sha256"))
keys = {"good": [key, forever], "bad": [revoked, old], "header": "Authorization", "scheme": "Api-Key"}
print(json.dumps({"django-rest-knox": knox, "djangorestframework-api-key": keys}))
