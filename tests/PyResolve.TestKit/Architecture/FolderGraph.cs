using System.Collections.Immutable;
using System.Reflection;
using System.Text;

namespace PyResolve.TestKit;

/// <summary>One type that uses another type of another folder of the same project.</summary>
public sealed record FolderReference(string FromFolder, string FromType, string ToFolder, string ToType);

/// <summary>
/// Which folders of a project use which, computed from its compiled types. A type's folder is the folder of its source file,
/// which the symbols name. A nested or compiler-generated type (lambda, async method, iterator) counts as the type that declares it;
/// the types of source generators are left out. Constants and <c>nameof</c> are not seen: the compiler replaces them by their value.
/// </summary>
public sealed class FolderGraph
{
    private readonly ILookup<(string From, string To), FolderReference> _edges;

    private FolderGraph(IEnumerable<string> folders, IEnumerable<FolderReference> references)
    {
        Folders = [.. folders.Distinct().Order(StringComparer.Ordinal)];
        References = [.. references.Distinct().OrderBy(reference => reference.ToString(), StringComparer.Ordinal)];
        _edges = References.ToLookup(reference => (reference.FromFolder, reference.ToFolder));
    }

    /// <summary>Every folder that has a type; "." are the files beside the project file.</summary>
    public ImmutableArray<string> Folders { get; }

    public ImmutableArray<FolderReference> References { get; }

    /// <param name="assembly">The compiled project, with its symbols beside it.</param>
    /// <param name="project">
    /// The project's folder in the repository, such as <c>src/PyResolve.Client</c>.
    /// Files linked from elsewhere count as the folder "linked".
    /// </param>
    /// <param name="folderOf">
    /// Maps a folder path (such as <c>Usage/Outbox</c>) to the name it counts as. Default: its first segment.
    /// </param>
    public static FolderGraph Read(Assembly assembly, string project, Func<string, string>? folderOf = null)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        folderOf ??= path => path.Split('/')[0];
        var types = CompiledTypes.Read(assembly.Location);
        var folders = types.Files.ToDictionary(type => type.Key, type => FolderOfType(type.Key, type.Value, project, folderOf));
        return new(
            folders.Values,
            from use in types.Uses
            where folders.ContainsKey(use.From) && folders.ContainsKey(use.To) && folders[use.From] != folders[use.To]
            select new FolderReference(folders[use.From], use.From, folders[use.To], use.To));
    }

    /// <summary>The groups of folders that depend on each other in a circle.</summary>
    public IReadOnlyList<IReadOnlyList<string>> FindCycles()
    {
        var reachable = Folders.ToDictionary(folder => folder, Reach);
        return
        [
            .. Folders
                .Where(folder => reachable[folder].Contains(folder))
                .GroupBy(folder => Folders.First(other => reachable[other].Contains(folder) && reachable[folder].Contains(other)))
                .Select(IReadOnlyList<string> (cycle) => [.. cycle]),
        ];
    }

    /// <summary>Each cycle with the references that close it, fewest first; empty where every folder depends one way.</summary>
    public string DescribeCycles()
    {
        var text = new StringBuilder();
        foreach (var cycle in FindCycles())
        {
            text.AppendLine($"These folders use each other in a circle: {string.Join(", ", cycle)}");
            var edges = _edges.Where(edge => cycle.Contains(edge.Key.From) && cycle.Contains(edge.Key.To));
            foreach (var edge in edges.OrderBy(edge => edge.Count()))
            {
                text.AppendLine($"  {edge.Key.From} -> {edge.Key.To}:");
                foreach (var reference in edge)
                    text.AppendLine($"    {reference.FromType} uses {reference.ToType}");
            }
        }

        return text.ToString();
    }

    private HashSet<string> Reach(string start)
    {
        var reached = new HashSet<string>();
        var open = new Queue<string>([start]);
        while (open.TryDequeue(out var folder))
        {
            foreach (var edge in _edges.Where(edge => edge.Key.From == folder && reached.Add(edge.Key.To)))
                open.Enqueue(edge.Key.To);
        }

        return reached;
    }

    private static string FolderOfType(string type, IReadOnlyCollection<string> files, string project, Func<string, string> folderOf)
    {
        var paths = files.Select(file => FolderOfFile(file, project));
        string[] folders = [.. paths.Select(path => path is "." or "linked" ? path : folderOf(path)).Distinct()];
        return folders is [var only]
            ? only
            : throw new InvalidOperationException($"{type} is declared in several folders: {string.Join(", ", folders)}.");
    }

    private static string FolderOfFile(string file, string project)
    {
        var path = file.Replace('\\', '/');
        var start = path.IndexOf($"/{project}/", StringComparison.Ordinal);
        if (start < 0)
            return "linked";
        var inside = path[(start + project.Length + 2)..];
        var end = inside.LastIndexOf('/');
        return end < 0 ? "." : inside[..end];
    }
}
