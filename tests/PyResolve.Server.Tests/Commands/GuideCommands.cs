using System.Text.RegularExpressions;
using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Commands;

/// <summary>A command of the server as a page or a file under deploy/ has it.</summary>
/// <param name="Place">The page or the file.</param>
/// <param name="Text">As it is written.</param>
/// <param name="Words">What the server is given.</param>
internal sealed record GuideCommand(string Place, string Text, string[] Words);

internal static partial class GuideCommands
{
    public static IReadOnlyList<GuideCommand> All { get; } =
    [
        .. from file in Pages()
           let place = Path.GetRelativePath(Guide.Root, file).Replace('\\', '/')
           from match in Command().Matches(Continuation().Replace(File.ReadAllText(file), " "))
           let words = End().Split(match.Groups["words"].Value, 2)[0]
           select new GuideCommand(place, match.Value, words.Split(' ', StringSplitOptions.RemoveEmptyEntries)),
    ];

    private static IEnumerable<string> Pages() =>
    [
        .. Directory.EnumerateFiles(Path.Combine(Guide.Root, "docs"), "*.md"),
        .. Directory.EnumerateFiles(Path.Combine(Guide.Root, "deploy"), "*", SearchOption.AllDirectories),
        .. Directory.EnumerateFiles(Path.Combine(Guide.Root, "samples", "catalogues"), "*.md"),
        Path.Combine(Guide.Root, "README.md"),
    ];

    /// <summary>At the beginning of a line, also of a comment, or of code within a text.</summary>
    [GeneratedRegex(
        @"(^[ #]*(\$ )?|`)([A-Z_]+=\S+ )*"
        + @"(docker compose (--file \S+ )*run --rm (--(volume|env) \S+ )*pyresolve"
        + @"|systemd-run (--\S+ )+\S*/pyresolve-server|kubectl [^`\n]*-- dotnet PyResolve\.Server\.dll"
        + @"|dotnet (\S*/)?PyResolve\.Server\.dll"
        + @"|(\S*/)?(PyResolve\.Server|pyresolve-server)) (?<words>[a-z-][^`\n]*)",
        RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Command();

    /// <summary>Of the command: a comment, or where the shell puts its output.</summary>
    [GeneratedRegex(@"\s+(#|>|&|2>)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex End();

    [GeneratedRegex(@"\s*\\\n#?\s*", RegexOptions.None, 1000)]
    private static partial Regex Continuation();
}
