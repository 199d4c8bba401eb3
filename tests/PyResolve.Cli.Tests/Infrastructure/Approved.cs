using System.Reflection;

namespace PyResolve.Cli.Tests.Infrastructure;

/// <summary>Texts that are kept in the repository, and change only when someone means it.</summary>
internal static class Approved
{
    private static readonly string Repository = typeof(Approved).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(metadata => metadata.Key == "Repository").Value!;

    public static string PathOf(string file) => Path.Combine(Repository, file);

    /// <summary>Fails unless the file has this text. The message has the first line that differs, and the command to approve.</summary>
    public static void ShouldBeApprovedAs(this string actual, string file)
    {
        var approvedPath = PathOf(file);
        var approved = File.Exists(approvedPath) ? File.ReadAllText(approvedPath).ReplaceLineEndings("\n") : "";
        if (actual == approved)
            return;

        var receivedPath = Path.Combine(AppContext.BaseDirectory, "received", file);
        Directory.CreateDirectory(Path.GetDirectoryName(receivedPath)!);
        File.WriteAllText(receivedPath, actual);
        var (expectedLines, actualLines) = (approved.Split('\n'), actual.Split('\n'));
        var line = Enumerable.Range(0, expectedLines.Length + 1)
            .First(i => expectedLines.ElementAtOrDefault(i) != actualLines.ElementAtOrDefault(i));
        Assert.Fail($"""
            {file} is stale from line {line + 1} on:
            - {expectedLines.ElementAtOrDefault(line)}
            + {actualLines.ElementAtOrDefault(line)}
            If the change is meant: cp "{receivedPath}" "{approvedPath}"
            """);
    }
}
