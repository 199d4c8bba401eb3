using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace PyResolve.Server.Storage;

/// <summary>One version of the schema, as it ships in this assembly.</summary>
internal sealed partial record SchemaFile(int Version, string Name, int CompatibleFrom, string Script)
{
    private const string CompatibleFromMark = "-- compatible_from:";

    /// <summary>All files of an engine, the oldest first.</summary>
    public static IReadOnlyList<SchemaFile> LoadAll(string engine)
    {
        var assembly = typeof(SchemaFile).Assembly;
        var folder = $"schema/{engine}/";
        return
        [
            .. from resource in assembly.GetManifestResourceNames()
               let path = resource.Replace('\\', '/')
               where path.StartsWith(folder, StringComparison.Ordinal)
               orderby path
               select Parse(Path.GetFileNameWithoutExtension(path), Read(assembly, resource)),
        ];
    }

    /// <summary>Tables and views that the files make.</summary>
    public static IReadOnlyList<string> TablesOf(IEnumerable<SchemaFile> files) => NamesOf(files, Tables());

    /// <summary>Tables that a store of a version has, and that later files name, in the order in which they were made.</summary>
    public static IReadOnlyList<string> TablesChangedAfter(int version, IReadOnlyList<SchemaFile> files)
    {
        var named = NamesOf(files.Where(file => file.Version > version), Changes()).ToHashSet(StringComparer.Ordinal);
        return [.. TablesOf(files.Where(file => file.Version <= version)).Where(named.Contains)];
    }

    public static IReadOnlyList<string> FunctionsOf(IEnumerable<SchemaFile> files) => NamesOf(files, Functions());

    private static List<string> NamesOf(IEnumerable<SchemaFile> files, Regex creation) =>
    [
        .. from file in files
           from Match created in creation.Matches(file.Script)
           select created.Groups["name"].Value,
    ];

    private static SchemaFile Parse(string name, string script)
    {
        var mark = script.Split('\n').Single(line => line.StartsWith(CompatibleFromMark, StringComparison.Ordinal));
        return new SchemaFile(
            int.Parse(name[..4], NumberStyles.None, CultureInfo.InvariantCulture),
            name,
            int.Parse(mark[CompatibleFromMark.Length..].Trim(), NumberStyles.None, CultureInfo.InvariantCulture),
            script);
    }

    private static string Read(Assembly assembly, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(
        "^create (table|view) (?<name>[a-z_]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Tables();

    [GeneratedRegex(
        @"\b(alter table|references|on|update|insert into|delete from) (?<name>[a-z_]+)", RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Changes();

    [GeneratedRegex(
        @"^\s*create (or replace )?function (%1\$I\.)?(?<name>[a-z_]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Functions();
}
