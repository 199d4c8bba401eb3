import urllib.request

from .models import Charge


class Provider:
    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def charge(self, charge: Charge) -> Charge:
        request = urllib.request.Request(
            f"{self._base_url}/charges",
            data=charge.json().encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as response:
            return Charge.parse_raw(response.read())


def refund(charge: Charge, cents: int) -> Charge:
    data = charge.dict()
    data["refunded"] += cents
    return Charge.parse_obj(data)
