using FsCheck;
using FsCheck.Fluent;
using PyResolve.TestKit;

namespace PyResolve.Client.Tests.Toml;

public sealed class TomlSecondReaderTests
{
    private static readonly Config Texts = Config.QuickThrowOnFailure.WithMaxTest(Scale.Pick(1000, 20_000));

    [Fact]
    public void Our_reader_and_Tomlyn_accept_the_same_texts_and_read_the_same_values()
    {
        var read = 0;
        Prop.ForAll(TomlTexts.Documents.ToArbitrary(), text =>
        {
            var accepted = IsRead(text);
            if (accepted != SecondTomlReader.Accepts(text))
                return false;
            if (!accepted)
                return true;
            ShouldBeSame(text);
            read++;
            return true;
        }).Check(Texts);

        read.ShouldBeGreaterThan(300);
    }

    [Fact]
    public void Both_refuse_texts_that_are_not_TOML() =>
        Prop.ForAll(TomlTexts.Invalid.ToArbitrary(), text => !IsRead(text) && !SecondTomlReader.Accepts(text)).Check(Texts);

    [Fact]
    public void Both_read_the_same_values_in_the_suite()
    {
        foreach (var name in TomlSuite.Valid)
        {
            var text = TomlSuite.Text(name).TrimStart('\uFEFF');

            IsRead(text).ShouldBeTrue(name);
            ShouldBeSame(text);
        }
    }

    private static bool IsRead(string text)
    {
        try
        {
            new TomlReader("config.toml", text).Read();
            return true;
        }
        catch (ConfigFileException)
        {
            return false;
        }
    }

    /// <summary>The same values at the same paths, and the same strings. Arrays of tables are left out, of which Tomlyn loses an empty
    /// element if another table comes between: the suite says what is in them.</summary>
    private static void ShouldBeSame(string text)
    {
        var arrays = new TomlReader("config.toml", text).Read().Root.Members
            .Where(static member => member.Node.Kind == TomlKind.ArrayOfTables)
            .Select(static member => SecondTomlReader.PathText(member.Name).TrimEnd(']') + ",")
            .ToList();
        var theirs = Outside(SecondTomlReader.Values(text));
        var ours = Outside(SecondTomlReader.OurValues(text));

        ours.Keys.ShouldBe(theirs.Keys, ignoreOrder: true);
        foreach (var (path, node) in ours)
        {
            if (node.Text is { } read)
                Normalized(SecondTomlReader.ValueText(read)).ShouldBe(Normalized(theirs[path]), path);
            else
                theirs[path].ShouldNotStartWith("String:", Case.Sensitive, path);
        }

        Dictionary<string, T> Outside<T>(Dictionary<string, T> values) => values
            .Where(value => !arrays.Exists(array => value.Key.StartsWith(array, StringComparison.Ordinal)))
            .ToDictionary(static value => value.Key, static value => value.Value, StringComparer.Ordinal);
    }

    /// <summary>Line breaks within a string may be read as they are in the file, as Tomlyn does, or as LF, as we do.</summary>
    private static string? Normalized(string? text) => text?.Replace("\r", "", StringComparison.Ordinal);
}
