#!/bin/sh
# Lets the component read three secrets of Secret Manager, and no other. The command
# "policy --for gcp" prints the same for the secrets that your credentials need.
set -eu

MEMBER="serviceAccount:credentials@my-project.iam.gserviceaccount.com"

gcloud secrets add-iam-policy-binding analytics-db --project=my-project \
  --member="$MEMBER" --role=roles/secretmanager.secretAccessor --condition=None
gcloud secrets add-iam-policy-binding crm-api-key --project=my-project \
  --member="$MEMBER" --role=roles/secretmanager.secretAccessor --condition=None
gcloud secrets add-iam-policy-binding crm-refresh-token --project=my-project \
  --member="$MEMBER" --role=roles/secretmanager.secretAccessor --condition=None
