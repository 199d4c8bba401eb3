using System.Text;

namespace PyResolve.Server.Hosting;

/// <summary>The page of all settings, <c>docs/configuration.md</c>.</summary>
internal static class SettingsReference
{
    private const string Introduction =
        """
        # Settings of the server

        This page is made from the server's own table of settings: `pyresolve-server config --markdown` prints it.
        `pyresolve-server config` shows what is set, with the source that wins, and `config --effective` also what has its default.

        Settings are read from `appsettings.json`, the environment and the command line; the last one wins. In the environment, write
        `__` for `:`, such as `PyResolve__SessionDays=7`; on the command line `--PyResolve:SessionDays=7`. A part in angle brackets
        stands for a name or a number of yours. The values of secrets are shown nowhere.

        """;

    public static string Write()
    {
        var page = new StringBuilder(Introduction);
        foreach (var section in SettingsTable.Sections)
        {
            page.Append('\n').Append("## ").Append(section.Title).Append("\n\n")
                .Append("More: [").Append(section.Guide.Split('#')[0]).Append("](").Append(section.Guide).Append(")\n\n")
                .Append("| name | meaning | default |\n|---|---|---|\n");
            foreach (var setting in section.Settings)
            {
                page.Append("| `").Append(setting.Name).Append("` | ").Append(Text(setting.Meaning))
                    .Append(setting.IsSecret ? " (secret)" : "").Append(" | ").Append(Text(setting.Default)).Append(" |\n");
            }
        }

        return page.ToString();
    }

    private static string Text(string text) => text
        .Replace("|", "\\|", StringComparison.Ordinal)
        .Replace("*", "\\*", StringComparison.Ordinal)
        .Replace("<", "\\<", StringComparison.Ordinal);
}
