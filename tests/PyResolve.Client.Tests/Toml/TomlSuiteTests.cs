namespace PyResolve.Client.Tests.Toml;

public sealed class TomlSuiteTests
{
    [Fact]
    public void Every_valid_file_of_the_suite_is_read_with_its_strings()
    {
        var strings = 0;
        foreach (var name in TomlSuite.Valid)
        {
            var file = ConfigFile.Load(TomlSuite.PathOf(name));
            foreach (var (path, value) in TomlSuite.Strings(name))
            {
                // Null: within an inline table, which is read as one value.
                if (file.String(path) is not { } read)
                    continue;
                read.ShouldBe(value, $"{name}: {string.Join('.', path)}");
                strings++;
            }
        }

        TomlSuite.Valid.Count.ShouldBeGreaterThan(90);
        strings.ShouldBeGreaterThan(100);
    }

    [Fact]
    public void Every_invalid_file_of_the_suite_is_refused()
    {
        TomlSuite.Invalid.Where(static name => IsRead(TomlSuite.PathOf(name))).ShouldBeEmpty();
        TomlSuite.Invalid.Count.ShouldBeGreaterThan(200);
    }

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
