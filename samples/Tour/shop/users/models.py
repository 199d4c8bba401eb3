from datetime import date
from typing import Optional

from pydantic import BaseModel, Field, validator


class Address(BaseModel):
    street: str
    city: str
    postcode: str = Field(..., regex=r"^[A-Z0-9 -]{3,10}$")
    country: str = "NL"


class User(BaseModel):
    id: int
    email: str
    name: str
    born: Optional[date]
    address: Optional[Address]

    class Config:
        orm_mode = True
        anystr_strip_whitespace = True  # sign-up forms send stray blanks

    @validator("email")
    def email_has_an_at(cls, value):
        if "@" not in value:
            raise ValueError("not an email address")
        return value.lower()


class UserPatch(BaseModel):
    email: Optional[str]
    name: Optional[str]
    address: Optional[Address]
