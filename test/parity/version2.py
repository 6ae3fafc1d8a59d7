"""Version 2 of the original library."""

from application_sdk.services.secretstore import SecretStore


async def original(guid):
    return await SecretStore.get_credentials(guid)


measured = original
