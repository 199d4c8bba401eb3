from pydantic import BaseSettings


class MailSettings(BaseSettings):
    host: str = "localhost"
    port: int = 25
    sender: str = "shop@example.com"

    class Config:
        env_prefix = "MAIL_"
