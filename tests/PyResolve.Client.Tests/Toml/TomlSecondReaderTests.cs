using FsCheck;
using FsCheck.Fluent;
using PyResolve.TestKit;
using Table = Tomlyn.Model.TomlTable;

namespace PyResolve.Client.Tests.Toml;

public sealed class TomlSecondReaderTests
{
    private static readonly Config Texts = Config.QuickThrowOnFailure.WithMaxTest(Scale.Pick(1000, 20_000));

    [Fact]
    public void Our_reader_and_Tomlyn_accept_the_same_texts_and_read_the_same_keys_and_strings()
    {
        var read = 0;
        Prop.ForAll(TomlTexts.Documents.ToArbitrary(), text =>
        {
            var accepted = TryRead(text, out var document);
            if (accepted != SecondTomlReader.Accepts(text))
                return false;
            if (!accepted)
                return true;
            ShouldBeSame(document!, text);
            read++;
            return true;
        }).Check(Texts);

        read.ShouldBeGreaterThan(300);
    }

    [Fact]
    public void Both_refuse_texts_that_are_not_TOML() =>
        Prop.ForAll(TomlTexts.Invalid.ToArbitrary(), text => !TryRead(text, out _) && !SecondTomlReader.Accepts(text)).Check(Texts);

    [Fact]
    public void Both_read_the_same_keys_and_strings_in_the_suite()
    {
        foreach (var name in TomlSuite.Valid)
        {
            var text = TomlSuite.Text(name).TrimStart('\uFEFF');

            TryRead(text, out var document).ShouldBeTrue(name);
            ShouldBeSame(document!, text);
        }
    }

    private static bool TryRead(string text, out TomlDocument? document)
    {
        try
        {
            document = new TomlReader("config.toml", text).Read();
            return true;
        }
        catch (ConfigFileException)
        {
            document = null;
            return false;
        }
    }

    /// <summary>Each of our entries is a value there, the same one if it is a string; and each value there is one of our entries.</summary>
    private static void ShouldBeSame(TomlDocument ours, string text)
    {
        var entries = ours.Entries.ToDictionary(
            static entry => SecondTomlReader.PathText(entry.Path), static entry => entry.Text, StringComparer.Ordinal);

        Compare(SecondTomlReader.Read(text), []);
        entries.ShouldBeEmpty();

        void Compare(Table table, string[] path)
        {
            foreach (var (key, value) in table)
            {
                string[] here = [.. path, key];
                if (entries.Remove(SecondTomlReader.PathText(here), out var read))
                    Normalized(read).ShouldBe(Normalized(value as string));
                else if (value is Table child)
                    Compare(child, here);
                else
                    value.ShouldBeOfType<Tomlyn.Model.TomlTableArray>();
            }
        }
    }

    /// <summary>Line breaks within a string may be read as they are in the file, as Tomlyn does, or as LF, as we do.</summary>
    private static string? Normalized(string? text) => text?.Replace("\r", "", StringComparison.Ordinal);
}
