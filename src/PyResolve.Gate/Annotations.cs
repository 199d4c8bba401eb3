using PyResolve.MSBuild;

namespace PyResolve.Gate;

/// <summary>Lines of a build's log that a CI system shows beside the code or on top of the run.</summary>
internal static class Annotations
{
    /// <param name="project">The full path of the project.</param>
    /// <param name="variable">Reads an environment variable.</param>
    /// <returns><see langword="null"/> where the CI system has none.</returns>
    public static string? Format(GateFinding finding, string project, Func<string, string?> variable)
    {
        if (variable("GITHUB_ACTIONS") is { Length: > 0 })
            return FormatForGitHub(finding, RelativeTo(variable("GITHUB_WORKSPACE"), project));
        return variable("TF_BUILD") is { Length: > 0 } ? FormatForAzure(finding, project) : null;
    }

    private static string FormatForGitHub(GateFinding finding, string file)
    {
        var level = finding.Diagnostic.Level switch
        {
            GateLevel.Error => "error",
            GateLevel.Warning => "warning",
            _ => "notice",
        };
        var title = $"{finding.Diagnostic.Code} {finding.Diagnostic.Title}";
        return $"::{level} file={EscapeGitHub(file, isProperty: true)},title={EscapeGitHub(title, isProperty: true)}::"
            + EscapeGitHub(finding.Text, isProperty: false);
    }

    private static string FormatForAzure(GateFinding finding, string file)
    {
        // It has no notices.
        var type = finding.Diagnostic.Level == GateLevel.Error ? "error" : "warning";
        var properties = $"type={type};sourcepath={EscapeAzure(file)};code={finding.Diagnostic.Code};";
        return $"##vso[task.logissue {properties}]{EscapeAzure(finding.Text)}";
    }

    private static string RelativeTo(string? workspace, string file)
    {
        if (string.IsNullOrEmpty(workspace))
            return file;
        var relative = Path.GetRelativePath(workspace, file);
        return relative.StartsWith("..", StringComparison.Ordinal) ? file : relative.Replace('\\', '/');
    }

    private static string EscapeGitHub(string text, bool isProperty)
    {
        var escaped = text.Replace("%", "%25", StringComparison.Ordinal)
            .Replace("\r", "%0D", StringComparison.Ordinal)
            .Replace("\n", "%0A", StringComparison.Ordinal);
        return isProperty
            ? escaped.Replace(":", "%3A", StringComparison.Ordinal).Replace(",", "%2C", StringComparison.Ordinal)
            : escaped;
    }

    private static string EscapeAzure(string text) => text.Replace("%", "%AZP25", StringComparison.Ordinal)
        .Replace(";", "%3B", StringComparison.Ordinal)
        .Replace("]", "%5D", StringComparison.Ordinal)
        .Replace("\r", "%0D", StringComparison.Ordinal)
        .Replace("\n", "%0A", StringComparison.Ordinal);
}
