"""The SDK's own rotate_token, with only the host changed. Prints the answer as JSON."""

import json
import os

from glean.api_client import Glean

with Glean(api_token=os.environ["TOKEN"], server_url=os.environ["HOST"]) as glean:
    rotated = glean.indexing.authentication.rotate_token()

print(
    json.dumps(
        {
            "rawSecret": rotated.raw_secret,
            "createdAt": rotated.created_at,
            "rotationPeriodMinutes": rotated.rotation_period_minutes,
        }
    )
)
