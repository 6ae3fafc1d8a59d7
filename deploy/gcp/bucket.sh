#!/bin/sh
# Lets the component read and list the objects of one bucket. Without the right to list,
# Cloud Storage refuses an object that does not exist, instead of saying so. Commands that
# write need roles/storage.objectUser.
set -eu

MEMBER="serviceAccount:credentials@my-project.iam.gserviceaccount.com"

gcloud storage buckets add-iam-policy-binding gs://credential-configs --project=my-project \
  --member="$MEMBER" --role=roles/storage.objectViewer --condition=None
