namespace PyResolve.Samples.Tests;

public class MethodCallTests
{
    private const string Models = "from pydantic import BaseModel\n\nclass Item(BaseModel):\n    name: str\n\nclass Cart(BaseModel):\n    first: Item\n    items: list[Item]\n\n";

    [Theory]
    [InlineData("def f(x: Item):\n    return x.dict()\n", "def f(x: Item):\n    return x.model_dump()\n")]
    [InlineData("def f(x: 'Item'):\n    return x.json(indent=2)\n", "def f(x: 'Item'):\n    return x.model_dump_json(indent=2)\n")]
    [InlineData("a = Item(name='x')\na.copy(update={})\n", "a = Item(name='x')\na.model_copy(update={})\n")]
    [InlineData("Item(name='x').dict()\n", "Item(name='x').model_dump()\n")]
    [InlineData("a = Item.parse_obj({})\na.dict()\n", "a = Item.model_validate({})\na.model_dump()\n")]
    [InlineData("Item.parse_raw('{}').json()\n", "Item.model_validate_json('{}').model_dump_json()\n")]
    [InlineData("Item.__fields__\n", "Item.model_fields\n")]
    [InlineData("def f(c: Cart):\n    return c.first.dict()\n", "def f(c: Cart):\n    return c.first.model_dump()\n")]
    [InlineData("def f(c: Cart):\n    return [i.dict() for i in c.items]\n", "def f(c: Cart):\n    return [i.model_dump() for i in c.items]\n")]
    [InlineData("def f(c: Cart):\n    return c.items[0].dict()\n", "def f(c: Cart):\n    return c.items[0].model_dump()\n")]
    [InlineData("def get() -> Item: ...\nget().dict()\n", "def get() -> Item: ...\nget().model_dump()\n")]
    [InlineData("async def f(s):\n    x: Item = await s.get()\n    x.dict()\n", "async def f(s):\n    x: Item = await s.get()\n    x.model_dump()\n")]
    [InlineData("def f(m: dict[str, Item]):\n    for k, v in m.items():\n        v.dict()\n", "def f(m: dict[str, Item]):\n    for k, v in m.items():\n        v.model_dump()\n")]
    [InlineData("def f(x: Item):\n    return f\"{x.json()!r:>{10}} {{x.json()}}\"\n", "def f(x: Item):\n    return f\"{x.model_dump_json()!r:>{10}} {{x.json()}}\"\n")]
    public void A_method_of_a_known_model_is_renamed(string before, string after) =>
        MigratedFolder.Migrate(Models + before).ShouldBe(Models + after);

    [Theory]
    [InlineData("def f(response):\n    return response.json()\n")]
    [InlineData("d = {}\nd.copy()\n")]
    [InlineData("def f(items: list[Item]):\n    return items.copy()\n")]
    [InlineData("x = Item(name='x')\nx = fetch()\nx.json()\n")]
    [InlineData("def f(x: Item):\n    pass\n\ndef g(x):\n    return x.dict()\n")]
    [InlineData("# Item.parse_obj(x)\ns = 'Item.parse_obj(x)'\nt = '''\nItem.parse_obj(x)\n'''\nr = r'\\'; u = b\"x.dict()\"\n")]
    [InlineData("def f(x: Item):\n    return x.copy(exclude={'name'})\n")]
    public void A_method_of_an_unknown_type_is_left_alone(string code) =>
        MigratedFolder.Migrate(Models + code).ShouldBe(Models + code);

    [Fact]
    public void A_call_that_may_be_a_models_is_reported_with_its_line()
    {
        using var folder = new MigratedFolder().With("app.py", Models + "def f(response):\n    return response.json()\n");

        folder.Run().Output.ShouldContain("app.py:11: left alone, response.json(): not known to be a model");
    }

    [Fact]
    public void Models_are_known_across_the_files_of_a_folder()
    {
        using var folder = new MigratedFolder().With("models.py", Models).With("sub/use.py", "from ..models import Cart\n\n\ndef f(c: Cart):\n    return c.dict()\n");

        folder.Run().Read("sub/use.py").ShouldEndWith("return c.model_dump()\n");
    }
}
