from typing import Dict, List

from .models import User, UserPatch


class UserService:
    def __init__(self) -> None:
        self._users: Dict[int, User] = {}

    def register(self, payload: dict) -> User:
        user = User.parse_obj(payload)
        self._users[user.id] = user
        return user

    def patch(self, user_id: int, payload: dict) -> User:
        change = UserPatch.parse_obj(payload)
        user = self._users[user_id]
        self._users[user_id] = user.copy(update=change.dict(exclude_unset=True))
        return self._users[user_id]

    def export(self) -> List[dict]:
        return [user.dict(exclude={"address"}) for user in self._users.values()]

    def to_json(self, user_id: int) -> str:
        user = self._users[user_id]
        return user.json()
