using System.Text;

namespace PyResolve.Client;

/// <summary>A config file's text and settings. Immutable: an edit returns a copy, in which only the text of the key differs.</summary>
internal sealed class ConfigFile
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly TomlDocument _document;

    private ConfigFile(string path, string text)
    {
        Path = path;
        Text = text;
        _document = new TomlReader(path, text).Read();
    }

    public string Path { get; }

    public string Text { get; }

    public static ConfigFile Load(string path)
    {
        try
        {
            return Parse(path, StrictUtf8.GetString(File.ReadAllBytes(path)));
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return Parse(path, "");
        }
        catch (DecoderFallbackException exception)
        {
            throw new ConfigFileException(
                path, line: null, "it is not UTF-8 text.", "Save it as UTF-8, or remove it and log in again.", exception);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            const string Hint = "Make it a file that you can read, or set PYRESOLVE_HOME to a folder of your own.";
            throw new ConfigFileException(path, line: null, "it cannot be read.", Hint, exception);
        }
    }

    public static ConfigFile Parse(string path, string text) => new(path, text);

    /// <summary>Replaces the file in one step, under a lock file, so that no change of another process is lost.</summary>
    public static void Edit(string path, Func<ConfigFile, ConfigFile> edit)
    {
        try
        {
            PrivateFile.CreateFolder(System.IO.Path.GetDirectoryName(path)!);
            var target = PrivateFile.FinalTarget(path);
            using (PrivateFile.Lock(target + ".lock"))
                PrivateFile.Replace(target, Encoding.UTF8.GetBytes(edit(Load(path)).Text));
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            var cause = $"it cannot be written ({Redaction.Line(exception.Message)}).";
            throw new ConfigFileException(path, null, cause, "Make the folder writable, or set PYRESOLVE_HOME to another.", exception);
        }
    }

    public string? String(params string[] path) => Find(path) is { } node ? StringOf(path, node) : null;

    /// <summary>The names of the tables directly under one, such as <c>work</c> of <c>[profiles.work]</c>, in order.</summary>
    public IReadOnlyList<string> Tables(string parent) =>
        Find([parent]) is { } node ? TomlDocument.TableNames(node).Distinct().ToList() : [];

    public IReadOnlyDictionary<string, string> Strings(string table)
    {
        var strings = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Find([table]) is not { } node)
            return strings;
        foreach (var (name, value) in node.Members.Concat(node.Elements.SelectMany(static element => element.Members)))
        {
            if (!value.HasTables)
                strings[name] = StringOf([table, name], value);
        }

        return strings;
    }

    /// <summary>Changes the value at a path, in whatever form its tables are written, or adds it.</summary>
    /// <exception cref="ConfigFileException">It cannot be set without changing something else.</exception>
    public ConfigFile Set(IReadOnlyList<string> path, string value)
    {
        var edited = new TomlEditor(Path, Text).Set(Walk(path), path, value);
        return Checked(edited, path, value);
    }

    public ConfigFile Set(string key, string value) => Set([key], value);

    /// <summary>Removes the value at a path, if there is one.</summary>
    /// <exception cref="ConfigFileException">It is a table.</exception>
    public ConfigFile Remove(params string[] path)
    {
        if (Find(path) is not { } node)
            return this;
        if (node.HasTables)
            throw Refused(node, path, "is a table, and not a value.");
        return Checked(Text.Remove(node.Removal.Start, node.Removal.End - node.Removal.Start), path, value: null);
    }

    /// <summary>Removes a table with all that is in it, in whatever form it is written. Comments around it stay.</summary>
    /// <exception cref="ConfigFileException">It is not a table, or cannot be removed alone.</exception>
    public ConfigFile RemoveTable(params string[] path)
    {
        if (Find(path) is not { } table)
            return this;
        if (!table.HasTables)
            throw Refused(table, path, "is a value, and not a table.", "Remove it yourself.");
        var edited = Parse(Path, TomlEditor.Without(Text, table));
        var removed = new HashSet<TomlNode>(TomlDocument.Values(table).Select(static value => value.Node));
        return edited.Find(path) is null && Listed(node => !removed.Contains(node)).SequenceEqual(edited.Listed(static _ => true))
            ? edited
            : throw Refused(table, path, "cannot be removed alone.", "Write it as [table], one key on a line.");
    }

    /// <summary>The edited file, if nothing but the value at the path differs.</summary>
    private ConfigFile Checked(string text, IReadOnlyList<string> path, string? value)
    {
        var edited = Parse(Path, text);
        var (target, newTarget) = (Find(path), edited.Find(path));
        var others = Values(node => node != target);
        var newOthers = edited.Values(node => node != newTarget);
        return newTarget?.Text == value && others.All(other => newOthers.TryGetValue(other.Key, out var same) && same == other.Value)
            ? edited
            : throw new ConfigFileException(
                Path, target?.Line, $"{string.Join(".", path)} cannot be changed alone.", "Write its table as [table], one key on a line.");
    }

    /// <summary>The values in order; an element of an array has the array's name.</summary>
    private IEnumerable<(string Name, string Text)> Listed(Func<TomlNode, bool> isMeant) => _document.Values()
        .Where(value => isMeant(value.Node) && !(value.Node.IsTable && value.Node.Members.Count == 0))
        .Select(value => (
            string.Join("\n", value.Path.Where(static name => name is not ['[', ..]).Select(TomlText.Quote)),
            Text.Substring(value.Node.Value.Start, value.Node.Value.End - value.Node.Value.Start)));

    private Dictionary<string, string> Values(Func<TomlNode, bool> isMeant) => _document.Values()
        .Where(value => isMeant(value.Node) && !(value.Node.IsTable && value.Node.Members.Count == 0))
        .ToDictionary(
            static value => string.Join("\n", value.Path.Select(TomlText.Quote)),
            value => Text.Substring(value.Node.Value.Start, value.Node.Value.End - value.Node.Value.Start),
            StringComparer.Ordinal);

    private TomlNode? Find(IReadOnlyList<string> path)
    {
        var last = Walk(path) is var steps ? steps[steps.Count - 1] : default;
        return last.Names == path.Count ? last.Node : null;
    }

    private IReadOnlyList<TomlStep> Walk(IReadOnlyList<string> path) => _document.Walk(path)
        ?? throw new ConfigFileException(
            Path, line: null, $"{string.Join(".", path)} is in two tables of an array.", "Give each table another name, or remove one.");

    private string StringOf(string[] path, TomlNode node) => node.Text
        ?? throw Refused(node, path, "must be a string.", $"Write it in quotes: {TomlText.Key(path[path.Length - 1])} = \"…\".");

    private ConfigFileException Refused(TomlNode node, IReadOnlyList<string> path, string cause, string? hint = null) =>
        new(Path, node.Line, $"{string.Join(".", path)} {cause}", hint ?? "Rename the table, or remove it.");
}
