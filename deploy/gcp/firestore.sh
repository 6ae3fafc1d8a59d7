#!/bin/sh
# Lets the component read and list the entities of a project's databases. Commands that
# write need datastore.entities.create, datastore.entities.update and
# datastore.entities.delete too.
set -eu

MEMBER="serviceAccount:credentials@my-project.iam.gserviceaccount.com"

gcloud iam roles create credentialConfigs --project=my-project --stage=GA \
  --title="Read the configs of credentials" \
  --permissions=datastore.entities.get,datastore.entities.list
gcloud projects add-iam-policy-binding my-project \
  --member="$MEMBER" --role=projects/my-project/roles/credentialConfigs --condition=None
