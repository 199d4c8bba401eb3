using PyResolve.Server.Accounts;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Identity;

/// <summary>A provider that the project has enabled. <c>Id</c>: as Supabase names it, such as <c>github</c>.</summary>
internal sealed record SupabaseProvider(string Id)
{
    public string Key => $"{SupabaseClient.Key}-{Id.Replace('_', '-')}";

    public string ReturnPath => $"sign-in/with/{Key}/callback";

    public string Name => Id switch
    {
        "azure" => "Microsoft",
        "github" => "GitHub",
        "gitlab" => "GitLab",
        "linkedin_oidc" => "LinkedIn",
        _ => char.ToUpperInvariant(Id[0]) + Id[1..].Replace('_', ' '),
    };
}

/// <summary>A project of Supabase whose users sign in on the pages. <c>Url</c>: of its Auth service.</summary>
internal sealed record SupabaseClient(string Url, string AnonKey, bool HasPasswords, IReadOnlyList<SupabaseProvider> Providers)
{
    public const string Key = "supabase";

    public IEnumerable<SignInChoice> Choices =>
    [
        .. Providers.Select(static provider => new SignInChoice(provider.Name, $"sign-in/with/{provider.Key}")),
        .. (HasPasswords ? [new SignInChoice("Supabase", $"sign-in/with/{Key}")] : Array.Empty<SignInChoice>()),
    ];

    public SupabaseProvider? Find(string key) => Providers.FirstOrDefault(provider => provider.Key == key);

    /// <returns>null: the pages do not lead there.</returns>
    /// <exception cref="InvalidConfigurationException">The settings cannot work.</exception>
    public static SupabaseClient? Read(IConfiguration configuration)
    {
        var hasPasswords = ServerOptions.Flag(configuration, "PyResolve:Supabase:Passwords", fallback: false);
        var names = ServerOptions.Text(configuration, "PyResolve:Supabase:Providers")?
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
        if (!hasPasswords && names.Length == 0)
            return null;
        if (Array.Find(names, static name => !name.All(IsOfAName)) is { } wrong)
        {
            throw new InvalidConfigurationException(
                $"PyResolve:Supabase:Providers has {ServerOptions.Quote(wrong)}; a provider is named as Supabase does, such as github.");
        }

        var url = ServerOptions.Url(configuration, "SUPABASE_URL") ?? throw Missing("SUPABASE_URL");
        var key = ServerOptions.Text(configuration, "SUPABASE_ANON_KEY") ?? throw Missing("SUPABASE_ANON_KEY");
        return new SupabaseClient(
            url.ToString().TrimEnd('/') + "/auth/v1", key, hasPasswords, [.. names.Select(static name => new SupabaseProvider(name))]);
    }

    private static bool IsOfAName(char letter) => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '_';

    private static InvalidConfigurationException Missing(string name) => new(
        $"{name} is missing: the pages sign people in through Supabase (PyResolve:Supabase:Providers, PyResolve:Supabase:Passwords).");
}
