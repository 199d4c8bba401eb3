namespace PyResolve.Server.Tests.Migrations;

/// <summary>A web shop, as projects with pydantic 1 look: settings, schemas, services, tests, and files without pydantic.</summary>
internal static class ShopProject
{
    public static Dictionary<string, string> Files { get; } = new()
    {
        ["README.md"] = "# Shop\n\nOrders are `Order(BaseModel)`, and `order.dict()` is what the API answers.\n",
        ["pyproject.toml"] = "[project]\nname = \"shop\"\nversion = \"1.4.0\"\ndependencies = [\"fastapi\", \"pydantic<2\"]\n",
        ["shop/__init__.py"] = "",
        ["shop/config.py"] = """
            from typing import Optional

            from pydantic import BaseSettings, validator


            class Settings(BaseSettings):
                database_url: str
                sentry_dsn: Optional[str]
                page_size: int = 20

                @validator("sentry_dsn", pre=True)
                def empty_is_none(cls, value):
                    return value or None

                class Config:
                    env_prefix = "SHOP_"
                    case_sensitive = True


            settings = Settings()

            """,
        ["shop/schemas.py"] = """
            from datetime import datetime
            from decimal import Decimal
            from typing import List, Optional

            from pydantic import BaseModel, Field, root_validator, validator


            class Item(BaseModel):
                sku: str = Field(..., regex="^[A-Z]{3}-[0-9]+$")
                price: Decimal
                note: Optional[str]

                class Config:
                    orm_mode = True


            class Order(BaseModel):
                number: int
                placed_at: datetime
                items: List[Item] = Field(..., min_items=1)
                coupon: Optional[str]
                total: Decimal = Decimal(0)

                @validator("coupon")
                def coupon_is_upper(cls, value):
                    return value.upper() if value else value

                @validator("total")
                def total_is_not_negative(cls, value, values):
                    if value < 0:
                        raise ValueError("order %s: total is negative" % values.get("number"))
                    return value

                @root_validator(pre=True)
                def without_blanks(cls, values):
                    return {key: value for key, value in values.items() if value != ""}

                class Config:
                    orm_mode = True
                    allow_population_by_field_name = True

            """,
        ["shop/services/orders.py"] = """
            import requests

            from shop.schemas import Item, Order


            def load(text: str) -> Order:
                return Order.parse_raw(text)


            def from_row(row) -> Item:
                return Item.from_orm(row)


            def place(order: Order, url: str) -> dict:
                response = requests.post(url, data=order.json())
                receipt = order.copy(update={"number": response.json()["number"]})
                return receipt.dict(exclude_none=True)

            """,
        ["shop/money.py"] = "from decimal import Decimal\n\n\ndef cents(amount: Decimal) -> int:\n    return int(amount * 100)\n",
        ["tests/test_orders.py"] = """
            from shop.schemas import Order


            def test_an_order_is_read_and_written(order: Order):
                assert Order.parse_obj(order.dict()) == order
                assert f"{order.dict()['number']}" == str(order.number)
                assert set(order.__fields_set__) <= set(Order.__fields__)

            """,
    };

    /// <summary>What must be in a file afterwards, and what must not.</summary>
    public static (string File, string[] New, string[] Old)[] Expected { get; } =
    [
        ("shop/config.py",
            ["from pydantic_settings import BaseSettings, SettingsConfigDict", "sentry_dsn: Optional[str] = None",
             "@field_validator(\"sentry_dsn\", mode=\"before\")\n    @classmethod\n", "model_config = SettingsConfigDict(",
             "env_prefix=\"SHOP_\""],
            ["class Config"]),
        ("shop/schemas.py",
            ["pattern=\"^[A-Z]{3}-[0-9]+$\"", "min_length=1", "from_attributes=True", "populate_by_name=True", "info.data",
             "@model_validator(mode=\"before\")\n    @classmethod\n", "coupon: Optional[str] = None"],
            ["class Config", "regex=", "min_items=", "orm_mode", "@validator", "@root_validator"]),
        ("shop/services/orders.py",
            ["Order.model_validate_json(text)", "Item.model_validate(row)", "data=order.model_dump_json()", "order.model_copy(update=",
             "receipt.model_dump(exclude_none=True)", "response.json()[\"number\"]"],
            ["parse_raw", "from_orm", ".dict("]),
        ("tests/test_orders.py",
            ["Order.model_validate(order.model_dump())", "{order.model_dump()['number']}", "order.model_fields_set", "Order.model_fields)"],
            ["parse_obj", ".dict(", "__fields"]),
    ];
}
