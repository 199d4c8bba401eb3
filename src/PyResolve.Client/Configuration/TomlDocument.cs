using System.Runtime.InteropServices;

namespace PyResolve.Client;

/// <summary>A part of the text: from <paramref name="Start"/>, up to and without <paramref name="End"/>.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TomlSpan(int Start, int End);

/// <summary>A node on the way along a path, and how many of its names lead there.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TomlStep(TomlNode Node, int Names);

/// <summary>All of a text. Which form a table has in it makes no difference to a path.</summary>
internal sealed class TomlDocument(TomlNode root)
{
    public TomlNode Root => root;

    /// <summary>The nodes along a path, as far as it exists. In an array of tables a name leads to the table that has it as its
    /// <c>name</c>, or to one that has it as a key, or to the only one.</summary>
    /// <returns><see langword="null"/> when two tables of an array have the name.</returns>
    public IReadOnlyList<TomlStep>? Walk(IReadOnlyList<string> path)
    {
        var steps = new List<TomlStep> { new(root, 0) };
        while (steps[steps.Count - 1] is { Node: var node, Names: var names } && names < path.Count)
        {
            if (node.Find(path[names]) is { } member)
            {
                steps.Add(new(member, names + 1));
                continue;
            }

            var named = node.Elements.Where(element => NameOf(element) == path[names]).ToList();
            var having = named.Count > 0 ? named : node.Elements.Where(element => element.Find(path[names]) is not null).ToList();
            if (having.Count == 0 && node.Elements.Count == 1 && node.Elements[0].IsTable && NameOf(node.Elements[0]) is null)
                having.Add(node.Elements[0]);
            if (having.Count > 1)
                return null;
            if (having.Count == 0)
                break;
            steps.Add(new(having[0], named.Count > 0 ? names + 1 : names));
        }

        return steps;
    }

    /// <summary>The node at a path; <see langword="null"/> when there is none.</summary>
    public TomlNode? Find(IReadOnlyList<string> path) =>
        Walk(path) is { } steps && steps[steps.Count - 1] is var last && last.Names == path.Count ? last.Node : null;

    /// <summary>The names of the tables in a table, or in an array of tables, in order.</summary>
    public static IEnumerable<string> TableNames(TomlNode node) => node.IsArray
        ? node.Elements.SelectMany(static element => NameOf(element) is { } name ? [name] : TableNames(element))
        : node.Members.Where(static member => member.Node.HasTables).Select(static member => member.Name);

    public static string? NameOf(TomlNode element) => element.Find("name")?.Text;

    /// <summary>Every value by its path, with the number of each element of an array in it. An empty table or array is a value.</summary>
    public IEnumerable<(IReadOnlyList<string> Path, TomlNode Node)> Values() => Values(root);

    public static IEnumerable<(IReadOnlyList<string> Path, TomlNode Node)> Values(TomlNode node) => Values(node, []);

    private static IEnumerable<(IReadOnlyList<string> Path, TomlNode Node)> Values(TomlNode node, IReadOnlyList<string> path)
    {
        if (node.Members.Count == 0 && node.Elements.Count == 0)
            return [(path, node)];
        return node.Members.SelectMany(member => Values(member.Node, [.. path, member.Name]))
            .Concat(node.Elements.SelectMany((element, i) => Values(element, [.. path, $"[{i}]"])));
    }
}
