using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace PyResolve.StripeSimulator.Api;

/// <summary>Parameters as a tree: <c>items[0][price]=x</c> is items, 0, price. A node has either a value or members.</summary>
internal sealed class Form(string name)
{
    private const int DeepestNesting = 8;

    private readonly Dictionary<string, Form> _members = new(StringComparer.Ordinal);

    public string Name => name;

    public string? Value { get; private set; }

    public IReadOnlyDictionary<string, Form> Members => _members;

    public static Form Parse(params IEnumerable<string> texts)
    {
        var root = new Form("");
        foreach (var pair in texts.SelectMany(static text => text.Split('&', StringSplitOptions.RemoveEmptyEntries)))
        {
            var split = pair.IndexOf('=', StringComparison.Ordinal);
            root.Add(Decode(split < 0 ? pair : pair[..split]), split < 0 ? "" : Decode(pair[(split + 1)..]));
        }

        return root;
    }

    public Form? Find(string path)
    {
        var node = this;
        foreach (var segment in path.Split('.'))
        {
            if (!node._members.TryGetValue(segment, out node))
                return null;
        }

        return node;
    }

    /// <param name="path">Separated by dots: <c>subscription_data.metadata</c>.</param>
    public bool Has(string path) => Find(path) is not null;

    /// <summary>Null where absent; an empty text clears the value.</summary>
    public string? Text(string path) => Find(path)?.Value;

    public bool Is(string path) => Text(path) == "true";

    public long? Number(string path) => Text(path) is { Length: > 0 } text ? long.Parse(text, CultureInfo.InvariantCulture) : null;

    public IReadOnlyList<string> Texts(string path) => [.. Elements(path).Select(static element => element.Value ?? "")];

    public IEnumerable<Form> Elements(string path) => Find(path) is not { } list
        ? []
        : list._members
            .OrderBy(static member => int.TryParse(member.Key, CultureInfo.InvariantCulture, out var index) ? index : 0)
            .Select(static member => member.Value);

    /// <summary>Merges a map into an existing one: an empty text removes a member, an empty map removes all.</summary>
    public Dictionary<string, string> Merge(string path, IReadOnlyDictionary<string, string>? existing = null)
    {
        var merged = new Dictionary<string, string>(existing ?? new Dictionary<string, string>(), StringComparer.Ordinal);
        if (Find(path) is not { } map)
            return merged;
        if (map.Value is { Length: 0 })
            merged.Clear();
        foreach (var (key, member) in map._members)
        {
            if (member.Value is { Length: > 0 } value)
                merged[key] = value;
            else
                merged.Remove(key);
        }

        return merged;
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));

    private static List<string> Segments(string key)
    {
        var open = key.IndexOf('[', StringComparison.Ordinal);
        if (open <= 0)
            return open == 0 ? Refuse(key) : [key];
        var segments = new List<string> { key[..open] };
        for (var at = open; at < key.Length;)
        {
            var close = key.IndexOf(']', at);
            if (key[at] != '[' || close < 0)
                return Refuse(key);
            segments.Add(key[(at + 1)..close]);
            at = close + 1;
        }

        return segments.Count > DeepestNesting ? Refuse(key) : segments;
    }

    [DoesNotReturn]
    private static List<string> Refuse(string key) => throw ApiErrorException.Malformed($"Invalid parameter name: {key}", key);

    private void Add(string key, string value)
    {
        var node = this;
        foreach (var segment in Segments(key))
        {
            // a[]=x appends.
            var member = segment.Length > 0 ? segment : node._members.Count.ToString(CultureInfo.InvariantCulture);
            if (node.Value is not null)
                throw ApiErrorException.Malformed($"Invalid parameter: {node.Name} is given both as a value and with members.", node.Name);
            if (!node._members.TryGetValue(member, out var next))
                node._members[member] = next = new Form(node.Name.Length == 0 ? member : $"{node.Name}[{member}]");
            node = next;
        }

        if (node.Value is not null || node._members.Count > 0)
            throw ApiErrorException.Malformed($"Invalid parameter: {node.Name} is given more than once.", node.Name);
        node.Value = value;
    }
}
