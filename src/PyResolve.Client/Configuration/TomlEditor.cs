namespace PyResolve.Client;

/// <summary>Writes a value into a text, in the form that the text has for its table.</summary>
internal sealed class TomlEditor(string path, string text)
{
    private const string NameKey = "name";
    private readonly string _newLine = text.Contains("\r\n") ? "\r\n" : "\n";

    /// <param name="steps">How far the path exists.</param>
    /// <param name="names">The path.</param>
    /// <param name="value">The value to set.</param>
    public string Set(IReadOnlyList<TomlStep> steps, IReadOnlyList<string> names, string value)
    {
        var (node, used) = (steps[steps.Count - 1].Node, steps[steps.Count - 1].Names);
        var quoted = TomlText.Quote(value);
        if (used == names.Count)
        {
            return node.HasTables || node.Kind == TomlKind.ArrayOfTables
                ? throw Refused(node, names, used, "is a table, and not a value.", "Rename the table, or remove it.")
                : text.Remove(node.Value.Start, node.Value.End - node.Value.Start).Insert(node.Value.Start, quoted);
        }

        var isInArray = steps.Any(static step => step.Node.IsArray);
        return node.Kind switch
        {
            TomlKind.Scalar => throw Refused(node, names, used, "is a value, and not a table.", "Rename the key, or remove it."),
            TomlKind.InlineTable or TomlKind.DottedTable => AddKey(node, steps, names, quoted),
            TomlKind.HeaderTable when isInArray || used == names.Count - 1 => AddKey(node, steps, names, quoted),
            TomlKind.ArrayOfTables when steps.Count(static step => step.Node.IsArray) == 1 && IsNamed(node) && used < names.Count - 1 =>
                Append(
                    $"[[{Dotted(names.Take(used))}]]{_newLine}{NameKey} = {TomlText.Quote(names[used])}",
                    names.Skip(used + 1), quoted),
            TomlKind.HeaderTable or TomlKind.ImpliedTable when !isInArray =>
                Append($"[{Dotted(names.Take(names.Count - 1))}]", names.Skip(names.Count - 1), quoted),
            _ => throw Refused(
                node, names, names.Count, "cannot be set within an array of tables.", "Write the table in [single brackets]."),
        };
    }

    /// <summary>The text without a table: the lines of its header and its keys, wherever they are, and an empty line that this leaves
    /// doubled.</summary>
    public static string Without(string text, TomlNode table)
    {
        foreach (var span in Lines(table).OrderByDescending(static span => span.Start))
            text = Join(text.Substring(0, span.Start), text.Substring(Math.Min(span.End, text.Length)));
        return text;
    }

    private static IEnumerable<TomlSpan> Lines(TomlNode node) => node.Kind switch
    {
        TomlKind.HeaderTable when node.HeaderStart is { } start =>
            node.Members.Where(static member => member.Node.Kind is not (TomlKind.Scalar or TomlKind.Array or TomlKind.InlineTable))
                .SelectMany(static member => Lines(member.Node))
                .Where(span => span.Start < start || span.Start >= node.InsertAt)
                .Prepend(new(start, node.InsertAt)),
        TomlKind.Scalar or TomlKind.Array or TomlKind.InlineTable => [node.Removal],
        _ => node.Members.Select(static member => member.Node).Concat(node.Elements).SelectMany(Lines),
    };

    private static string Join(string before, string after)
    {
        var isDoubled = before.Length == 0 || before.EndsWith("\n\n", StringComparison.Ordinal)
            || before.EndsWith("\r\n\r\n", StringComparison.Ordinal);
        var blank = after is ['\r', '\n', ..] ? 2 : after is ['\n', ..] ? 1 : 0;
        if (isDoubled && blank > 0)
            return before + after.Remove(0, blank);
        if (isDoubled && after.Length == 0 && before.Length > 0)
            return before.Substring(0, before.Length - (before.EndsWith("\r\n", StringComparison.Ordinal) ? 2 : 1));
        return before + after;
    }

    private static bool IsNamed(TomlNode array) => array.Elements.All(static element => TomlDocument.NameOf(element) is not null);

    /// <summary>Adds a key among the keys of the table, or within its braces.</summary>
    private string AddKey(TomlNode node, IReadOnlyList<TomlStep> steps, IReadOnlyList<string> names, string quoted)
    {
        var owner = steps.First(step => step.Node == node.Owner);
        var entry = $"{Dotted(names.Skip(owner.Names))} = {quoted}";
        if (owner.Node.Kind == TomlKind.InlineTable)
            return text.Insert(node.InsertAt, owner.Node.Members.Count == 0 ? $" {entry} " : $", {entry}");
        return Insert(node.InsertAt, entry + _newLine);
    }

    private string Append(string header, IEnumerable<string> key, string quoted) =>
        Insert(text.Length, $"{(text.Length == 0 ? "" : _newLine)}{header}{_newLine}{Dotted(key)} = {quoted}{_newLine}");

    private string Insert(int position, string lines)
    {
        var isMidLine = position > 0 && text[position - 1] is not ('\n' or '\uFEFF');
        return text.Insert(position, isMidLine ? _newLine + lines : lines);
    }

    private static string Dotted(IEnumerable<string> names) => string.Join(".", names.Select(TomlText.Key));

    private ConfigFileException Refused(TomlNode node, IReadOnlyList<string> names, int used, string cause, string hint) =>
        new(path, node.Line, $"{string.Join(".", names.Take(used))} {cause}", hint);
}
