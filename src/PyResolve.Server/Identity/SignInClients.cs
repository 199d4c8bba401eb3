using PyResolve.Server.Accounts;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Identity;

/// <summary>This server as an application of an issuer, whose people sign in on the pages.</summary>
/// <param name="Key">Names the issuer in addresses, such as <c>google</c> in /sign-in/with/google.</param>
/// <param name="Name">As the button names it.</param>
/// <param name="ClientSecret">null: the issuer needs none.</param>
internal sealed record SignInClient(string Key, string Name, TrustedIssuer Issuer, string ClientId, string? ClientSecret)
{
    public string Path => $"sign-in/with/{Key}";

    public string ReturnPath => $"{Path}/callback";
}

internal sealed class SignInClients(IReadOnlyList<SignInClient> clients, SupabaseClient? supabase)
{
    private const int MaxNameLength = 40;

    public SignInChoices Choices { get; } = new(
    [
        .. clients.Select(static client => new SignInChoice(client.Name, client.Path)),
        .. supabase?.Choices ?? [],
    ]);

    /// <summary>The Supabase project whose users sign in on the pages; null: none.</summary>
    public SupabaseClient? Supabase => supabase;

    public SignInClient? Find(string key) => clients.FirstOrDefault(client => client.Key == key);

    /// <exception cref="InvalidConfigurationException">The settings cannot work.</exception>
    public static SignInClients Read(IConfiguration configuration, ServerOptions options, TrustedIssuers issuers)
    {
        var clients = new List<SignInClient>();
        foreach (var path in configuration.GetSection("PyResolve:Oidc").GetChildren().Select(static section => section.Path))
        {
            if (ServerOptions.Text(configuration, path + ":ClientId") is not { } clientId)
                continue;
            var issuer = issuers.Named(ServerOptions.Text(configuration, path + ":Issuer")!);
            var name = ServerOptions.Text(configuration, path + ":Name") ?? new Uri(issuer.Name).Host;
            var client = new SignInClient(
                KeyOf(path, name), name, issuer, clientId, ServerOptions.Text(configuration, path + ":ClientSecret"));
            if (client.Key.Split('-')[0] == SupabaseClient.Key || clients.Exists(other => other.Key == client.Key))
                throw new InvalidConfigurationException($"{path}:Name is that of another service: its button needs a name of its own.");
            clients.Add(client);
        }

        var supabase = SupabaseClient.Read(configuration);
        if (clients.Count > 0 || supabase is { Providers.Count: > 0 })
            RequireKey(configuration, options);
        return new SignInClients(clients, supabase);
    }

    private static void RequireKey(IConfiguration configuration, ServerOptions options)
    {
        if (options.DatabaseUrl is not null && ServerOptions.Text(configuration, "PYRESOLVE_ENCRYPTION_KEY") is null)
        {
            throw new InvalidConfigurationException(
                "PYRESOLVE_ENCRYPTION_KEY is missing. With buttons for other services, browsers carry what all instances have to read: "
                + "create a key with openssl rand -base64 32, and give it to each instance.");
        }
    }

    private static string KeyOf(string path, string name)
    {
        var letters = name.ToLowerInvariant().Select(static letter =>
            char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) ? letter : '-');
        var key = string.Concat(letters).Trim('-');
        return key.Length > 0 && name.Length <= MaxNameLength && FieldErrors.IsPlainText(name)
            ? key
            : throw new InvalidConfigurationException(
                $"{path}:Name is {ServerOptions.Quote(name)}; it has a letter or a digit, and at most {MaxNameLength} characters.");
    }
}
