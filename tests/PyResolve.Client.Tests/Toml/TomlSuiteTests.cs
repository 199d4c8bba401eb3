namespace PyResolve.Client.Tests.Toml;

public sealed class TomlSuiteTests
{
    [Fact]
    public void Every_valid_file_of_the_suite_is_read_with_its_values()
    {
        var strings = 0;
        foreach (var name in TomlSuite.Valid)
        {
            var values = TomlValues(name);

            values.ShouldBe(TomlSuite.Values(name), ignoreOrder: true, name);
            strings += values.Count(static value => value.Value is not null);
        }

        TomlSuite.Valid.Count.ShouldBeGreaterThan(200);
        strings.ShouldBeGreaterThan(400);
    }

    [Fact]
    public void Every_invalid_file_of_the_suite_is_refused()
    {
        TomlSuite.Invalid.Where(static name => IsRead(TomlSuite.PathOf(name))).ShouldBeEmpty();
        TomlSuite.Invalid.Count.ShouldBeGreaterThan(450);
    }

    private static Dictionary<string, string?> TomlValues(string name) => SecondTomlReader.OurValues(TomlSuite.Text(name))
        .ToDictionary(static value => value.Key, static value => value.Value.Text);

    private static bool IsRead(string path)
    {
        try
        {
            ConfigFile.Load(path);
            return true;
        }
        catch (ConfigFileException)
        {
            return false;
        }
    }
}
