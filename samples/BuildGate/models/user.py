from typing import Optional

from pydantic import BaseModel, validator


class User(BaseModel):
    name: str
    nickname: Optional[str]

    @validator("name")
    def strip(cls, value):
        return value.strip()

    class Config:
        orm_mode = True
