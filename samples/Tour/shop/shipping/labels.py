from .models import Label, Parcel


def print_label(parcel: Parcel, carrier: str) -> str:
    label = Label(parcel=parcel, carrier=carrier)
    return label.json(by_alias=True)


def parcel_of(label: Label) -> dict:
    return label.parcel.dict()


def schema() -> dict:
    return Label.schema()
