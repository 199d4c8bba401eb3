"""Runs the guide's functions for keys, quota and usage on the database of DATABASE_URL: one JSON answer for each line of JSON.

Each line is [function, argument, ...]. What the guide's code imports is stood in for here: supabase by psql.
"""
import asyncio
import json
import os
import subprocess
import sys
import types


def literal(value):
    if value is None:
        return "null"
    if isinstance(value, (int, float)):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(value)
    return "'" + text.replace("'", "''") + "'"


def query(sql):
    """As Supabase's interface does for the service key: in its role, with its claims, in one transaction."""
    script = (
        "begin; set local role service_role; "
        "set local request.jwt.claims = '{\"role\":\"service_role\"}';\n" + sql + ";\ncommit;"
    )
    ended = subprocess.run(
        ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", os.environ["DATABASE_URL"]],
        input=script, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise RuntimeError(ended.stderr.strip())
    return ended.stdout.strip()


class Result:
    def __init__(self, data):
        self.data = data


class Call:
    """supabase.rpc(name, parameters).execute()"""

    def __init__(self, name, parameters):
        self.name, self.parameters = name, parameters

    def execute(self):
        arguments = ", ".join(f"{name} => {literal(value)}" for name, value in self.parameters.items())
        return Result(json.loads(query(f"select coalesce(json_agg(r), '[]') from public.{self.name}({arguments}) r")))


class Table:
    """supabase.table(name).insert(row).execute(), and .update(row).eq(column, value).execute()"""

    def __init__(self, name):
        self.name, self.where = name, []

    def insert(self, row):
        names, values = ", ".join(row), ", ".join(map(literal, row.values()))
        self.sql = f"insert into public.{self.name} ({names}) values ({values})"
        return self

    def update(self, row):
        changes = ", ".join(f"{name} = {literal(value)}" for name, value in row.items())
        self.sql = f"update public.{self.name} set {changes}"
        return self

    def eq(self, column, value):
        self.where.append(f"{column} = {literal(value)}")
        return self

    def execute(self):
        query(self.sql + (" where " + " and ".join(self.where) if self.where else ""))
        return Result(None)


class Client:
    def rpc(self, name, parameters):
        return Call(name, parameters)

    def table(self, name):
        return Table(name)


class HTTPException(Exception):
    def __init__(self, status_code, detail):
        super().__init__(detail)
        self.status_code, self.detail = status_code, detail


def stand_in(name, **members):
    module = types.ModuleType(name)
    for member, value in members.items():
        setattr(module, member, value)
    sys.modules[name] = module
    return module


stand_in("supabase", create_client=lambda url, key: Client(), Client=Client)
stand_in("fastapi", HTTPException=HTTPException, Security=lambda dependency: None)
stand_in("fastapi.security", APIKeyHeader=lambda **settings: None)
stand_in("stripe")
for setting in ("SUPABASE_URL", "SUPABASE_SERVICE_KEY", "STRIPE_SECRET_KEY"):
    os.environ.setdefault(setting, "unused")

from codeshift.api.auth import get_current_user  # noqa: E402
from codeshift.api.billing import get_quota, log_usage  # noqa: E402


async def quota(key):
    return await get_quota(await get_current_user(key))


async def usage(key, event_type, more):
    user = await get_current_user(key)
    await log_usage(user["user_id"], event_type, **more)


FUNCTIONS = {"user": get_current_user, "quota": quota, "usage": usage}

for line in sys.stdin:
    name, *arguments = json.loads(line)
    try:
        answer = {"result": asyncio.run(FUNCTIONS[name](*arguments))}
    except HTTPException as refusal:
        answer = {"status": refusal.status_code, "detail": refusal.detail}
    print(json.dumps(answer), flush=True)
