using System.Globalization;
using System.Text.RegularExpressions;
using Tomlyn;
using YamlDotNet.Serialization;

namespace PyResolve.Server.Tests.Deploy;

/// <summary>What a part of a file may look like. A name that is not in it is a fault, and so is a value of another kind.</summary>
internal abstract class Shape
{
    private static readonly IDeserializer Yaml = new DeserializerBuilder()
        .WithDuplicateKeyChecking()
        // Of compose: the value takes the place of that in an earlier file.
        .WithTagMapping("!reset", typeof(List<object>))
        .Build();

    public static Shape Text { get; } = Matching(".");

    public static Shape Number { get; } = Matching("^[0-9]+$");

    public static Shape Flag { get; } = Matching("^(true|false)$");

    public static Shape Matching(string pattern) => new Scalar(pattern);

    public static Shape OneOf(params string[] values) => new Scalar($"^({string.Join('|', values.Select(Regex.Escape))})$");

    public static Shape List(Shape item) => new Sequence(item);

    /// <summary>With any names.</summary>
    public static Shape MapOf(Shape value) => new Mapping(_ => value, []);

    /// <summary>With these names. One that ends with <c>*</c> has to be there.</summary>
    public static Shape Map(params (string Name, Shape Value)[] known)
    {
        var shapes = known.ToDictionary(static one => one.Name.TrimEnd('*'), static one => one.Value);
        return new Mapping(
            name => shapes.GetValueOrDefault(name),
            [.. known.Where(static one => one.Name.EndsWith('*')).Select(static one => one.Name.TrimEnd('*'))]);
    }

    /// <param name="text">YAML, of which JSON is a part.</param>
    /// <exception cref="YamlDotNet.Core.YamlException">It is none.</exception>
    public IReadOnlyList<string> FindFaultsInYaml(string text) => [.. FindFaults(Yaml.Deserialize<object>(text), "")];

    /// <exception cref="TomlException">It is none.</exception>
    public IReadOnlyList<string> FindFaultsInToml(string text) =>
        [.. FindFaults(TomlSerializer.Deserialize<Tomlyn.Model.TomlTable>(text)!, "")];

    protected abstract IEnumerable<string> FindFaults(object? value, string path);

    private sealed class Scalar(string pattern) : Shape
    {
        protected override IEnumerable<string> FindFaults(object? value, string path)
        {
            var text = value switch
            {
                string or long or double => Convert.ToString(value, CultureInfo.InvariantCulture),
                bool flag => flag ? "true" : "false",
                _ => null,
            };
            if (text is null || !Regex.IsMatch(text, pattern, RegexOptions.Singleline, TimeSpan.FromSeconds(1)))
                yield return $"{path} is {text ?? "no value"}, and should match {pattern}";
        }
    }

    private sealed class Sequence(Shape item) : Shape
    {
        protected override IEnumerable<string> FindFaults(object? value, string path) =>
            value is string || value is not System.Collections.IEnumerable items || IsMapping(value)
                ? [$"{path} is no list"]
                : items.Cast<object?>().SelectMany((one, index) => item.FindFaults(one, $"{path}[{index}]"));
    }

    private sealed class Mapping(Func<string, Shape?> find, IReadOnlyList<string> needed) : Shape
    {
        protected override IEnumerable<string> FindFaults(object? value, string path)
        {
            if (value is null || !IsMapping(value))
                return [$"{path} is no mapping"];
            var entries = Entries(value).ToList();
            return entries
                .SelectMany(entry => find(entry.Name) is { } shape
                    ? shape.FindFaults(entry.Value, $"{path}/{entry.Name}")
                    : [$"{path}/{entry.Name} is not known"])
                .Concat(needed.Except(entries.Select(static entry => entry.Name)).Select(name => $"{path}/{name} is missing"));
        }
    }

    private static bool IsMapping(object value) => value is Dictionary<object, object> or Tomlyn.Model.TomlTable;

    private static IEnumerable<(string Name, object? Value)> Entries(object value) => value is Tomlyn.Model.TomlTable table
        ? table.Select(static pair => (pair.Key, (object?)pair.Value))
        : ((Dictionary<object, object>)value).Select(static pair => (pair.Key.ToString()!, (object?)pair.Value));
}
