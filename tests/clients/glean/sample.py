"""The published Python sample, with only the host changed. Prints the answer as JSON."""

import json
import os

import requests

url = os.environ["HOST"] + "/api/index/v1/rotatetoken"
token = os.environ["TOKEN"]

response = requests.post(url, headers={"Authorization": f"Bearer {token}"})
response.raise_for_status()
body = response.json()
print(json.dumps({key: body[key] for key in ("rawSecret", "createdAt", "rotationPeriodMinutes")}))
