using FsCheck;
using FsCheck.Fluent;
using PyResolve.TestKit;

namespace PyResolve.Client.Tests.Toml;

public sealed class TomlEditTests
{
    private static readonly Gen<string> Texts = Gen.OneOf(
        Gen.Elements(TomlSuite.Valid.Select(TomlSuite.Text)),
        TomlTexts.Documents.Where(static text => SecondTomlReader.Accepts(text.TrimStart('\uFEFF'))));

    private static readonly Gen<string> Names = Gen.Elements("a", "new", "c-d", "api_key", "x.y", "", "é", "t", "\"quoted\"");

    private static readonly Gen<string> Values =
        ArbMap.Default.GeneratorFor<NonNull<string>>()
            .Select(static text => new string([.. text.Get.Where(static c => !char.IsSurrogate(c))]));

    private static readonly Gen<Edit> Edits =
        from text in Texts
        let document = new TomlReader("config.toml", text).Read()
        from isKnown in Gen.Elements(true, false)
        let keys = document.Values().Where(static value => !value.Path.Any(IsIndex)).Select(static value => value.Path)
        let tables = keys.SelectMany(static key => Enumerable.Range(0, key.Count).Select(count => key.Take(count).ToList()))
        from known in Gen.Elements<IReadOnlyList<string>>([.. keys, ["new"]])
        from table in Gen.Elements<IReadOnlyList<string>>([.. tables, [], ["table"], ["t", "u"]])
        from name in Names
        from value in Gen.Frequency((3, Values.Select(string? (text) => text)), (1, Gen.Constant<string?>(null)))
        select new Edit(text, isKnown ? [.. known] : [.. table, name], value);

    /// <summary>As Tomlyn reads the text before and after: one value changed, and every other value and comment is as it was.</summary>
    [Fact]
    public void A_thousand_random_edits_damage_no_file()
    {
        var (done, refused) = (0, 0);
        Prop.ForAll(Edits.ToArbitrary(), edit =>
        {
            ConfigFile after;
            try
            {
                var before = ConfigFile.Parse("config.toml", edit.Text);
                after = edit.Value is null ? before.Remove(edit.Path) : before.Set(edit.Path, edit.Value);
            }
            catch (ConfigFileException)
            {
                // Such as a key where a table has the name. The caller has no new text to write.
                refused++;
                return;
            }

            done++;
            ShouldBeOneEdit(edit, after);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(Scale.Pick(1300, 50_000)));

        // About one in eleven is refused.
        done.ShouldBeGreaterThan(1000);
        refused.ShouldBeLessThan(done / 5);
    }

    private static void ShouldBeOneEdit(Edit edit, ConfigFile after)
    {
        after.String(edit.Path).ShouldBe(edit.Value);
        var (textBefore, textAfter) = (edit.Text.TrimStart('\uFEFF'), after.Text.TrimStart('\uFEFF'));
        var (valuesBefore, valuesAfter) = (SecondTomlReader.Values(textBefore), SecondTomlReader.Values(textAfter));

        Others(valuesAfter, edit.Path).ShouldBe(Others(valuesBefore, edit.Path), ignoreOrder: true);
        if (edit.Value is null)
        {
            IsWithoutOnePart(textBefore, textAfter).ShouldBeTrue();
            return;
        }

        valuesAfter[SecondTomlReader.PathText(edit.Path)].ShouldBe(SecondTomlReader.ValueText(edit.Value));
        SecondTomlReader.Comments(textAfter).ShouldBe(SecondTomlReader.Comments(textBefore));
    }

    /// <summary>All values but those at or below a path, and but the empty tables above it.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Others(Dictionary<string, string> values, string[] path)
    {
        var below = SecondTomlReader.PathText(path).TrimEnd(']');
        var above = Enumerable.Range(0, path.Length + 1)
            .Select(length => SecondTomlReader.PathText(path.Take(length)))
            .ToHashSet(StringComparer.Ordinal);
        return values.Where(value => !above.Contains(value.Key) && !value.Key.StartsWith(below + ",", StringComparison.Ordinal));
    }

    private static bool IsIndex(string name) => name.StartsWith('[') && name.EndsWith(']');

    private static bool IsWithoutOnePart(string whole, string part)
    {
        var start = whole.Zip(part).TakeWhile(static pair => pair.First == pair.Second).Count();
        return whole.EndsWith(part[start..], StringComparison.Ordinal);
    }

    private sealed record Edit(string Text, string[] Path, string? Value);
}
