from typing import List, Optional

from pydantic import BaseModel, Field, validator


class Parcel(BaseModel):
    tracking: str = Field(..., alias="trackingCode")
    weight_grams: int = Field(..., gt=0)
    contents: List[str] = Field(..., max_items=50)
    note: Optional[str]

    class Config:
        allow_population_by_field_name = True

    @validator("tracking")
    def no_blanks(cls, value):
        return value.replace(" ", "")


class Label(BaseModel):
    parcel: Parcel
    carrier: str
