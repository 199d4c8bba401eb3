from decimal import Decimal
from enum import Enum
from typing import List, Optional

from pydantic import BaseModel, Field, root_validator, validator


class OrderState(str, Enum):
    OPEN = "open"
    PAID = "paid"
    SENT = "sent"


class OrderLine(BaseModel):
    sku: str
    quantity: int = Field(..., gt=0)
    unit_price: Decimal

    @property
    def total(self) -> Decimal:
        return self.quantity * self.unit_price


class Order(BaseModel):
    number: int = Field(..., alias="orderNumber")
    customer_id: int
    lines: List[OrderLine] = Field(..., min_items=1)
    discount: Decimal = Decimal(0)
    voucher: Optional[str]
    state: OrderState = OrderState.OPEN

    class Config:
        allow_population_by_field_name = True
        validate_all = True

    @validator("voucher", pre=True)
    def empty_voucher_is_none(cls, value):
        return value or None

    @root_validator(skip_on_failure=True)
    def discount_needs_a_voucher(cls, values):
        if values["discount"] > 0 and values.get("voucher") is None:
            raise ValueError("a discount needs a voucher")
        return values

    @property
    def total(self) -> Decimal:
        return sum((line.total for line in self.lines), Decimal(0)) - self.discount
