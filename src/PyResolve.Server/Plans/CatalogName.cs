using System.Text.RegularExpressions;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Plans;

internal static partial class CatalogName
{
    /// <summary>Checks that the last part of a section's path can be a name in the catalogue.</summary>
    /// <param name="section">The settings of what is named.</param>
    /// <param name="kind">What is named, within a sentence.</param>
    /// <exception cref="InvalidConfigurationException">It cannot.</exception>
    public static void Check(IConfigurationSection section, string kind)
    {
        if (!Form().IsMatch(section.Key))
        {
            throw new InvalidConfigurationException(
                $"{ConfigurationPath.GetParentPath(section.Path)} names the {kind} {ServerOptions.Quote(section.Key)}; a name has "
                + "lower-case letters, digits, - and _, begins with a letter, and has at most 32 characters.");
        }
    }

    [GeneratedRegex(Plan.NamePattern, RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Form();
}
