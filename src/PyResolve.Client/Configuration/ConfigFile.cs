using System.Text;

namespace PyResolve.Client;

/// <summary>A config file's text and settings. Immutable: an edit returns a copy, in which only the lines of the key differ.</summary>
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
                path, line: null, "it is not UTF-8 text.", "Save it as UTF-8, or remove it and run 'pyresolve login'.", exception);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            throw new ConfigFileException(path, line: null, "it cannot be read.", "Make it a file that you can read, or set PYRESOLVE_HOME to a folder of your own.", exception);
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

    public string? String(params string[] path) => Find(path) is { } entry ? StringOf(entry) : null;

    /// <summary>The names of the tables directly under one, such as <c>work</c> of <c>[profiles.work]</c>, in order.</summary>
    public IReadOnlyList<string> Tables(string parent) =>
        _document.Tables.Select(static table => table.Path)
            .Concat(_document.Entries.Select(static entry => entry.Path.Take(entry.Path.Count - 1).ToList()))
            .Where(path => path.Count >= 2 && path[0] == parent).Select(static path => path[1]).Distinct().ToList();

    public IReadOnlyDictionary<string, string> Strings(string table) => _document.Entries
        .Where(entry => entry.Path.Count == 2 && entry.Path[0] == table)
        .ToDictionary(static entry => entry.Path[1], StringOf, StringComparer.Ordinal);

    public ConfigFile Set(string[] path, string value)
    {
        var edited = Edit(path, value);
        return edited.Find(path)?.Text == value
            ? edited
            : throw new ConfigFileException(
                Path, null, $"{string.Join(".", path)} cannot be set within an array of tables.", "Write the table in [single brackets].");
    }

    public ConfigFile Set(string key, string value) => Set([key], value);

    private ConfigFile Edit(string[] path, string value)
    {
        var quoted = TomlText.Quote(value);
        if (Find(path) is { } entry)
            return Parse(Path, Text.Remove(entry.ValueStart, entry.ValueEnd - entry.ValueStart).Insert(entry.ValueStart, quoted));
        var newLine = Text.Contains("\r\n") ? "\r\n" : "\n";
        var line = $"{TomlText.Key(path[path.Length - 1])} = {quoted}{newLine}";
        var table = path.Take(path.Length - 1).ToList();
        if (table.Count == 0)
            return Insert(_document.RootEnd, line, newLine);
        if (_document.Tables.FirstOrDefault(header => header.Path.SequenceEqual(table)) is { } known)
            return Insert(known.End, line, newLine);
        var gap = Text.Length == 0 ? "" : newLine;
        return Insert(Text.Length, $"{gap}[{string.Join(".", table.Select(TomlText.Key))}]{newLine}{line}", newLine);
    }

    public ConfigFile Remove(params string[] path) => Find(path) is { } entry
        ? Parse(Path, Text.Remove(entry.LineStart, entry.LineEnd - entry.LineStart))
        : this;

    private ConfigFile Insert(int position, string text, string newLine)
    {
        var isMidLine = position > 0 && Text[position - 1] is not ('\n' or '\uFEFF');
        return Parse(Path, Text.Insert(position, isMidLine ? newLine + text : text));
    }

    private TomlEntry? Find(string[] path) => _document.Entries.FirstOrDefault(entry => entry.Path.SequenceEqual(path));

    private string StringOf(TomlEntry entry) => entry.Text
        ?? throw new ConfigFileException(
            Path, entry.Line, $"{string.Join(".", entry.Path)} must be a string.",
            $"Write it in quotes: {TomlText.Key(entry.Path[entry.Path.Count - 1])} = \"…\".");
}
