namespace PyResolve.Client.Tests.Keys;

public sealed class ConfigFileTests
{
    [Theory]
    [InlineData("api_key = \"plain\"", "plain")]
    [InlineData("api_key='C:\\no\\escape'", "C:\\no\\escape")]
    [InlineData("\"api_key\" = \"quoted key\"", "quoted key")]
    [InlineData("api_key = \"tab\\t quote\\\" \\u00e9 \\U0001F600\" # comment", "tab\t quote\" é 😀")]
    [InlineData("api_key = \"\"\"\nfirst\nsecond\"\"\"", "first\nsecond")]
    [InlineData("api_key = \"\"\"joined \\\n\n   here\"\"\"", "joined here")]
    [InlineData("api_key = \"\"\"two \"\" and a last one\"\"\"\"", "two \"\" and a last one\"")]
    [InlineData("api_key = \"\\e\\x41\\xe9\"", "\u001bAé")]
    [InlineData("api_key = '''raw \\n '' '''", "raw \\n '' ")]
    [InlineData("\uFEFFapi_key = \"after a byte order mark\"\r\n", "after a byte order mark")]
    public void A_string_is_read_in_each_of_its_forms(string text, string expected) =>
        ConfigFile.Parse("config.toml", text).String("api_key").ShouldBe(expected);

    [Fact]
    public void Every_other_kind_of_value_is_skipped()
    {
        var file = ConfigFile.Parse("config.toml", """"
            # A file that uses what TOML has.
            integers = [1, +2, -3, 1_000, 0xDEAD_beef, 0o755, 0b1010]
            floats = [1.0, -0.5e+10, 6.626e-34, inf, -nan, 9_224.5]
            booleans = [true, false]
            times = [1979-05-27T07:32:00Z, 1979-05-27 07:32:00.999-07:00, 1979-05-27T07:32:00, 1979-05-27, 07:32:00.5]
            no_seconds = [07:32, 2024-02-29T07:32Z]
            nested = [
                [1, 2], # a comment among elements
                ["a", 'b', """
                c"""],
            ]
            inline = { name = "x", dotted.key = 1, list = [{ a = 1 }, {}] }
            lines = {
                name = "x", # a comment among members
                value = { a = 1, },
            }
            physical.color = "orange"
            physical."strange key" = ''
            api_key = "found"

            [table."with dot.s"]
            api_key = "another"

            [[points]]
            x = 1
            [points.sub]
            y = 2
            [[points]]
            x = 2

            [migrators]
            pydantic = "migrate-pydantic {path}"
            'typing-extensions' = "te {path}"
            """");

        file.String("api_key").ShouldBe("found");
        file.Strings("migrators").ShouldBe(
            new Dictionary<string, string> { ["pydantic"] = "migrate-pydantic {path}", ["typing-extensions"] = "te {path}" });
        file.Strings("absent").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("api_key = pyr_live_x", 1)]
    [InlineData("\n\napi_key = \"unclosed", 3)]
    [InlineData("api_key = \"a\"\napi_key = \"b\"", 2)]
    [InlineData("api_key \"a\"", 1)]
    [InlineData("api_key = \"a\" \"b\"", 1)]
    [InlineData("= 1", 1)]
    [InlineData("a = \"\\q\"", 1)]
    [InlineData("a = \"\\uD800\"", 1)]
    [InlineData("a = 01", 1)]
    [InlineData("a = 1__0", 1)]
    [InlineData("a = 1979-13-01", 1)]
    [InlineData("a = [1 2]", 1)]
    [InlineData("a = [1,,2]", 1)]
    [InlineData("a = 2023-02-29", 1)]
    [InlineData("a = 1979-04-31T07:32:00", 1)]
    [InlineData("a = { b = 1,, }", 1)]
    [InlineData("a = {\n, b = 1 }", 2)]
    [InlineData("a = { b =\n1 }", 1)]
    [InlineData("a = { b = 1\nc = 2 }", 2)]
    [InlineData("a = { b = 1, b = 2 }", 1)]
    [InlineData("a = '''never\nclosed", 2)]
    [InlineData("[a]\n[a]", 2)]
    [InlineData("a = 1\n[a]", 2)]
    [InlineData("a.b = 1\n[a]", 2)]
    [InlineData("[a]\n[[a]]", 2)]
    [InlineData("a = {}\na.b = 1", 2)]
    [InlineData("a = []\n[[a]]", 2)]
    [InlineData("[a\nb = 1", 1)]
    [InlineData("a = \"nul \0\"", 1)]
    [InlineData("# bad \u0001 comment", 1)]
    [InlineData("<<<<<<< HEAD", 1)]
    [InlineData("{\"api_key\": \"json\"}", 1)]
    public void Invalid_TOML_is_refused_with_its_line(string text, int line)
    {
        var exception = Should.Throw<ConfigFileException>(() => ConfigFile.Parse("/home/ada/.pyresolve/config.toml", text));

        exception.Line.ShouldBe(line);
        exception.Message.ShouldStartWith($"/home/ada/.pyresolve/config.toml, line {line}: ");
        exception.Message.ShouldNotContain('\n');
    }

    [Fact]
    public void Deep_nesting_is_refused_before_the_stack_overflows() =>
        Should.Throw<ConfigFileException>(() => ConfigFile.Parse("config.toml", "a = " + new string('[', 100_000)));

    [Fact]
    public void A_key_that_is_not_a_string_is_refused_with_its_line() =>
        Should.Throw<ConfigFileException>(() => ConfigFile.Parse("config.toml", "\napi_key = 5").String("api_key")).Line.ShouldBe(2);

    [Theory]
    [InlineData("", "api_key = \"new\"\n")]
    [InlineData("api_key = 'old'  # mine\nb = 1\n", "api_key = \"new\"  # mine\nb = 1\n")]
    [InlineData("b = 1", "b = 1\napi_key = \"new\"\n")]
    [InlineData("b = 1\r\n", "b = 1\r\napi_key = \"new\"\r\n")]
    [InlineData("# about\n\n# the table\n[t]\nx = 1\n", "# about\n\napi_key = \"new\"\n# the table\n[t]\nx = 1\n")]
    [InlineData("[t]\napi_key = 'inner'\n", "api_key = \"new\"\n[t]\napi_key = 'inner'\n")]
    [InlineData("\uFEFF[t]\n", "\uFEFFapi_key = \"new\"\n[t]\n")]
    [InlineData("b = '''\n[t]\n'''\n\n[t]\n", "b = '''\n[t]\n'''\napi_key = \"new\"\n\n[t]\n")]
    public void Setting_a_key_changes_one_line(string before, string after) =>
        ConfigFile.Parse("config.toml", before).Set("api_key", "new").Text.ShouldBe(after);

    [Theory]
    [InlineData("[[t]]\n[[t]]\n")]
    [InlineData("[[t]]\n[[t]]\n[t.u]\n")]
    [InlineData("t = 1\n")]
    [InlineData("t = []\n")]
    [InlineData("t.api_key = { a = 1 }\n")]
    [InlineData("[t.api_key]\n")]
    public void A_key_that_cannot_be_set_is_refused(string text) =>
        Should.Throw<ConfigFileException>(() => ConfigFile.Parse("config.toml", text).Set(["t", "api_key"], "new"));

    [Fact]
    public void A_key_of_a_table_in_an_array_of_tables_cannot_be_set() =>
        Should.Throw<ConfigFileException>(
            () => ConfigFile.Parse("config.toml", "[[profiles]]\n[[profiles]]\n").Set(["profiles", "work", "api_key"], "new"))
            .Message.ShouldContain("array of tables");

    [Theory]
    [InlineData("a = 1\napi_key = \"x\" # mine\nb = 2\n", "a = 1\nb = 2\n")]
    [InlineData("api_key = \"x\"", "")]
    [InlineData("[t]\napi_key = \"x\"\n", "[t]\napi_key = \"x\"\n")]
    public void Removing_a_key_removes_its_line(string before, string after) =>
        ConfigFile.Parse("config.toml", before).Remove("api_key").Text.ShouldBe(after);
}
