using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace PyResolve.Gate;

/// <summary>Which work a build belongs to, from the CI system, or else from git.</summary>
/// <param name="Repository">Its address in one spelling; <see langword="null"/> when it is not known.</param>
/// <param name="Commit">The head commit: of a pull request, its own, not that of the merge; <see langword="null"/> when it is not known.
/// </param>
/// <param name="IsFork">Whether it is a pull request from another repository, whose builds get no secrets.</param>
internal sealed record BuildIdentity(string? Repository, string? Commit, bool IsFork)
{
    public static BuildIdentity Find(GateRequest request, Func<string, string?> variable)
    {
        string? Get(string name) => NullIfEmpty(variable(name));
        var found = Get("GITHUB_ACTIONS") is not null ? FromGitHub(Get)
            : Get("GITLAB_CI") is not null ? FromGitLab(Get)
            : Get("TF_BUILD") is not null ? FromAzure(Get)
            : new BuildIdentity(null, null, IsFork: false);
        return found with
        {
            Repository = Normalize(NullIfEmpty(request.Repository) ?? found.Repository ?? NullIfEmpty(request.Origin)),
            Commit = NullIfEmpty(request.Commit) ?? found.Commit ?? NullIfEmpty(request.Head),
        };
    }

    /// <summary>Identifies a migration of this commit, so that it is charged once however often, and in however many jobs, it is built;
    /// <see langword="null"/> when the commit is not known.</summary>
    public string? CreateOnceKey(GateMigration migration)
    {
        if (Repository is null || Commit is null)
            return null;
        var text = string.Join('\n', Repository, Commit, migration.NormalizedLibrary, migration.Target, migration.Tier);
        return "msbuild:" + Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary><c>github.com/acme/shop</c> for <c>https://token@github.com/Acme/shop.git</c> and
    /// <c>git@github.com:acme/shop</c>.</summary>
    private static string? Normalize(string? address)
    {
        if (address is null)
            return null;
        var text = address.Trim();
        if (text.IndexOf("://", StringComparison.Ordinal) is >= 0 and var scheme)
            text = text[(scheme + 3)..];
        else if (text.IndexOf(':') is > 1 and var colon && !text[..colon].Contains('/'))
            text = $"{text[..colon]}/{text[(colon + 1)..].TrimStart('/')}";
        var host = text.Split('/')[0];
        text = text[(host.LastIndexOf('@') + 1)..];
        text = text.TrimEnd('/');
        if (text.EndsWith(".git", StringComparison.OrdinalIgnoreCase))
            text = text[..^".git".Length];
        return NullIfEmpty(text.ToLowerInvariant());
    }

    private static BuildIdentity FromGitHub(Func<string, string?> variable)
    {
        var name = variable("GITHUB_REPOSITORY");
        var repository = name is null ? null : $"{variable("GITHUB_SERVER_URL") ?? "https://github.com"}/{name}";
        var commit = variable("GITHUB_SHA");
        if (variable("GITHUB_EVENT_NAME")?.StartsWith("pull_request", StringComparison.Ordinal) != true)
            return new BuildIdentity(repository, commit, IsFork: false);
        var (head, from) = ReadPullRequest(variable("GITHUB_EVENT_PATH"));
        var isFork = from is not null && !from.Equals(name, StringComparison.OrdinalIgnoreCase);
        return new BuildIdentity(repository, head ?? commit, isFork);
    }

    /// <summary>The head commit of a pull request, and the repository that it is in: empty when that was deleted.</summary>
    private static (string? Commit, string? Repository) ReadPullRequest(string? path)
    {
        try
        {
            if (path is null || !File.Exists(path))
                return default;
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            if (!json.RootElement.TryGetProperty("pull_request", out var request) || !request.TryGetProperty("head", out var head))
                return default;
            var commit = head.TryGetProperty("sha", out var sha) ? sha.GetString() : null;
            var repository = head.TryGetProperty("repo", out var from) && from.ValueKind == JsonValueKind.Object
                && from.TryGetProperty("full_name", out var name)
                ? name.GetString()
                : "";
            return (commit, repository);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            return default;
        }
    }

    private static BuildIdentity FromGitLab(Func<string, string?> variable)
    {
        var target = variable("CI_MERGE_REQUEST_PROJECT_ID");
        return new BuildIdentity(
            variable("CI_MERGE_REQUEST_PROJECT_URL") ?? variable("CI_PROJECT_URL"),
            variable("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") ?? variable("CI_COMMIT_SHA"),
            IsFork: target is not null && variable("CI_MERGE_REQUEST_SOURCE_PROJECT_ID") is { } source && source != target);
    }

    private static BuildIdentity FromAzure(Func<string, string?> variable) => new(
        variable("BUILD_REPOSITORY_URI"),
        variable("SYSTEM_PULLREQUEST_SOURCECOMMITID") ?? variable("BUILD_SOURCEVERSION"),
        IsFork: "true".Equals(variable("SYSTEM_PULLREQUEST_ISFORK"), StringComparison.OrdinalIgnoreCase));

    private static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
