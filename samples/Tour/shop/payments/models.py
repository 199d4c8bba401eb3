from datetime import datetime
from typing import Optional

from pydantic import BaseModel, Field, root_validator


class Charge(BaseModel):
    id: str
    amount: int = Field(..., gt=0, description="in cents")
    currency: str = "eur"
    refunded: int = 0
    created: datetime
    failure: Optional[str]

    class Config:
        schema_extra = {"example": {"id": "ch_1", "amount": 1999, "created": "2026-11-01T12:00:00Z"}}

    @root_validator(pre=True)
    def accept_the_old_name(cls, values):
        if "cents" in values:
            values = {**values, "amount": values["cents"]}
            del values["cents"]
        return values

    @root_validator(skip_on_failure=True)
    def refund_fits(cls, values):
        if values["refunded"] > values["amount"]:
            raise ValueError("refunded more than was charged")
        return values
