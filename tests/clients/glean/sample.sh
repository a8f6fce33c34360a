#!/bin/sh
# The published curl line, with only the host changed.
curl --silent --show-error --fail -X POST "$HOST/api/index/v1/rotatetoken" -H "Authorization: Bearer $TOKEN"
