namespace PyResolve.Samples.Tests;

public class FolderTests
{
    private const string OneModel = "from pydantic import BaseModel\n\nclass A(BaseModel):\n    a: int | None\n";

    [Theory]
    [InlineData("users")]
    [InlineData("orders")]
    [InlineData("catalog")]
    [InlineData("payments")]
    [InlineData("shipping")]
    [InlineData("notifications")]
    public void A_service_of_the_shop_is_migrated_completely_and_once(string service)
    {
        using var folder = new MigratedFolder();
        var files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "shop", service), "*.py").Select(f => Path.GetFileName(f)).ToList();
        foreach (var file in files)
            folder.With(file, File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "shop", service, file)));

        folder.Run().Output.ShouldNotContain("left alone");
        var once = files.ToDictionary(f => f, folder.Read);
        var code = string.Concat(once.Values);
        string[] old = ["class Config", "import validator", "@validator", "@root_validator", "parse_obj", "parse_raw", "orm_mode", "regex=", ".json(", "__fields__"];
        old.Where(o => code.Contains(o, StringComparison.Ordinal)).ShouldBeEmpty();

        folder.Run().Output.ShouldStartWith("Nothing to rewrite");
        files.ToDictionary(f => f, folder.Read).ShouldBe(once);
    }

    [Fact]
    public void Line_endings_stay_as_they_are()
    {
        var migrated = MigratedFolder.Migrate("from pydantic import BaseModel\r\n\r\nclass A(BaseModel):\r\n    class Config:\r\n        orm_mode = True\r\n        title = 'A'\r\n");

        migrated.Replace("\r\n", "").ShouldNotContain("\n");
        migrated.ShouldEndWith("        title='A',\r\n    )\r\n");
    }

    [Theory]
    [InlineData("def f(:\n")]
    [InlineData("s = 'open\n")]
    [InlineData("s = '''open\n")]
    [InlineData("s = f'{open'\n")]
    public void Files_that_are_not_Python_are_left_alone_and_reported(string code)
    {
        using var folder = new MigratedFolder().With("bad.py", code).With("good.py", OneModel);

        folder.Run().Output.ShouldContain("bad.py: left alone, ");
        folder.Read("bad.py").ShouldBe(code);
        folder.Read("good.py").ShouldEndWith("a: int | None = None\n");
    }

    [Fact]
    public void Virtual_environments_and_other_files_are_not_touched()
    {
        using var folder = new MigratedFolder().With(".venv/lib/a.py", OneModel).With("notes.txt", OneModel);

        folder.Run();

        folder.Read(".venv/lib/a.py").ShouldBe(OneModel);
        folder.Read("notes.txt").ShouldBe(OneModel);
    }
}
