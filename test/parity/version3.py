"""Version 3 of the original library.

Its client repeats a request that daprd answers with HTTP 500, as it does for a missing secret. That takes seconds and
changes no answer, so only the measurement has the default.
"""

from application_sdk.infrastructure import AsyncDaprClient, DaprCredentialVault


async def original(guid):
    async with AsyncDaprClient(retries=0) as client:
        return await DaprCredentialVault(client).get_credentials(guid)


async def measured(guid):
    async with AsyncDaprClient() as client:
        return await DaprCredentialVault(client).get_credentials(guid)
