from typing import Dict

from .models import Order, OrderState


class OrderService:
    def __init__(self) -> None:
        self._orders: Dict[int, Order] = {}

    def place(self, body: str) -> Order:
        order = Order.parse_raw(body)
        self._orders[order.number] = order
        return order

    def mark_paid(self, number: int) -> Order:
        order = self._orders[number]
        self._orders[number] = order.copy(update={"state": OrderState.PAID})
        return self._orders[number]

    def invoice(self, number: int) -> dict:
        order = self._orders[number]
        return {**order.dict(by_alias=True), "total": order.total}

    def columns(self) -> list:
        return list(Order.__fields__)
