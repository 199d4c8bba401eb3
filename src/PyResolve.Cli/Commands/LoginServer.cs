using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

/// <summary>The server to log in to, or to sign up at: the commands for which a profile need not exist yet.</summary>
internal sealed class LoginServer
{
    public static readonly Option<string?> ApiUrl =
        new("--api-url")
        {
            Description = "The server, when it is not https://api.pyresolve.dev; saved with the key. Several are separated by commas.",
            HelpName = "url",
        };

    /// <summary>No request of a login sends it. Without one, the client would look for that of a profile that need not exist.</summary>
    private const string NoKey = "none";

    private readonly string? _profile;

    private LoginServer(string? profile, IReadOnlyList<Uri>? option)
    {
        _profile = profile;
        Option = option;
        Named = option ?? Parse(Environment.GetEnvironmentVariable(ApiKeyStore.ApiUrlVariable), ApiKeyStore.ApiUrlVariable);
    }

    /// <summary>The value of <c>--api-url</c>.</summary>
    public IReadOnlyList<Uri>? Option { get; }

    /// <summary>
    /// From the option or the environment. A key belongs to one server: where only the environment names it, it is saved too, or the key
    /// would later be sent to another server.
    /// </summary>
    public IReadOnlyList<Uri>? Named { get; }

    public static LoginServer From(ParseResult parse, string? profile) => new(profile, Parse(parse.GetValue(ApiUrl), ApiUrl.Name));

    public PyResolveClient CreateClient(string? apiKey = null) =>
        ClientFactory.Create(_profile, apiKey ?? NoKey, Named ?? FindOfNewProfile(), Option is not null);

    private IReadOnlyList<Uri>? FindOfNewProfile()
    {
        var keys = new ApiKeyStore(profile: _profile);
        return keys.FindProfile() is { } name && !keys.ListProfiles().Contains(name) ? [PyResolveClientOptions.DefaultApiUrl] : null;
    }

    private static IReadOnlyList<Uri>? Parse(string? text, string origin)
    {
        if (string.IsNullOrWhiteSpace(text))
            return null;
        if (ApiUrlList.Parse(text) is { } urls)
            return urls;
        var written = ApiUrlList.Split(text);
        var wrong = written.FirstOrDefault(static one => ApiUrlList.Parse(one) is null) ?? text;
        var place = ApiUrlList.Name(origin, written.ToList().IndexOf(wrong), written.Count);
        throw CliException.Usage($"{place} is not an http or https URL: {wrong}", "Write it as https://api.pyresolve.dev.");
    }
}
