from typing import Dict, Optional

from pydantic import BaseModel, validator


class Message(BaseModel):
    to: str
    subject: str
    body: str
    reply_to: Optional[str]
    variables: Dict[str, str] = {}

    @validator("subject")
    def one_line(cls, value):
        return " ".join(value.split())

    def render(self) -> str:
        return self.body.format(**self.variables)


def outbox_row(message: Message) -> dict:
    return {**message.dict(exclude={"variables"}), "body": message.render()}
