import hashlib
import json

import pytest
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.urls import reverse
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

FLAGS = AuthenticatorData.FLAG
SITE = "testserver"
# What a device may do before it confirms: the user touches it, or enters a PIN too.
TOUCHED, ENTERED_PIN = FLAGS.UP, FLAGS.UP | FLAGS.UV


class SecurityKey:
    """A device with one passkey: https://www.w3.org/TR/webauthn-3/#sctn-op-make-cred."""

    def __init__(self):
        self.id = b"the only passkey"
        self.private = ec.generate_private_key(ec.SECP256R1())

    def register(self, options: dict, flags: FLAGS) -> dict:
        """What the browser answers to the page's options for a new passkey."""
        public = ES256.from_cryptography_key(self.private.public_key())
        passkey = AttestedCredentialData.create(Aaguid.NONE, self.id, public)
        data = self.data(flags | FLAGS.AT, passkey)
        attestation = AttestationObject.create("none", data, {})
        client = CollectedClientData.create("webauthn.create", options["challenge"], self.origin)
        return self.credential(client, attestationObject=attestation)

    def confirm(self, options: dict, flags: FLAGS) -> dict:
        """What the browser answers to the page's options for a known passkey."""
        data = self.data(flags)
        client = CollectedClientData.create("webauthn.get", options["challenge"], self.origin)
        signature = self.private.sign(data + client.hash, ec.ECDSA(SHA256()))
        return self.credential(client, authenticatorData=data, signature=signature)

    origin = f"https://{SITE}"

    def data(self, flags: FLAGS, passkey: bytes = b"") -> AuthenticatorData:
        site = hashlib.sha256(SITE.encode()).digest()
        return AuthenticatorData.create(site, flags, 0, passkey)

    def credential(self, client: CollectedClientData, **response: bytes) -> dict:
        own_id = websafe_encode(self.id)
        encoded = {name: websafe_encode(value) for name, value in response.items()}
        encoded["clientDataJSON"] = websafe_encode(client)
        return {"id": own_id, "rawId": own_id, "type": "public-key", "response": encoded}


@pytest.fixture
def add(client, user):
    """A function that adds the passkey to the user's account; returns whether it was accepted."""
    client.force_login(user, "paas.accounts.lockout.Backend")
    client.post(reverse("account_reauthenticate"), {"password": "correct horse"})

    def send(key: SecurityKey, flags: FLAGS) -> bool:
        page = client.get(reverse("mfa_add_webauthn"))
        options = page.context["js_data"]["creation_options"]["publicKey"]
        form = {"credential": json.dumps(key.register(options, flags))}
        client.post(reverse("mfa_add_webauthn"), form)
        return Authenticator.objects.filter(type="webauthn").exists()

    return send


def test_a_passkey_is_accepted_only_if_the_device_asked_for_more_than_a_touch(client, add):
    """It takes the place of the password, so a person who finds the device must not be able to use it."""
    key = SecurityKey()
    assert not add(key, TOUCHED)
    assert add(key, ENTERED_PIN)
    url, destinations = reverse("mfa_reauthenticate_webauthn"), []
    for flags in (TOUCHED, ENTERED_PIN):
        options = client.get(url).context["js_data"]["request_options"]["publicKey"]
        form = {"credential": json.dumps(key.confirm(options, flags))}
        destinations.append(client.post(url, form).url)
    assert destinations == [reverse("account_login"), reverse("home")]
