using PyResolve.Client;

namespace PyResolve.Server.Hosting;

/// <summary><c>PyResolve:Product</c>: what is sold here, as pages, emails, receipts and the pages of Stripe name it.</summary>
internal sealed record ProductOptions
{
    private const string DefaultName = "PyResolve";

    // Stripe's portal has a headline of at most 60 characters.
    private const int MaxNameLength = 60;

    /// <summary><c>:Name</c>, at most 60 characters.</summary>
    public string Name { get; private init; } = DefaultName;

    /// <summary><c>:SupportEmail</c>: where customers ask; at the end of every email and page.</summary>
    public string? SupportEmail { get; private init; }

    /// <summary><c>:Url</c>: the product's own site.</summary>
    public Uri? Url { get; private init; }

    /// <summary>Whether the pages may speak of the command line and of migrations by their names.</summary>
    public bool IsDefault => Name == DefaultName;

    public static ProductOptions Read(IConfiguration configuration)
    {
        var name = ServerOptions.Text(configuration, "PyResolve:Product:Name") ?? DefaultName;
        if (name.Length > MaxNameLength || name.Any(char.IsControl))
        {
            throw new InvalidConfigurationException(
                $"PyResolve:Product:Name is {ServerOptions.Quote(name)}; it is a line of at most {MaxNameLength} characters.");
        }

        var support = ServerOptions.Text(configuration, "PyResolve:Product:SupportEmail");
        if (support is not null && !IsAddress(support))
        {
            throw new InvalidConfigurationException(
                "PyResolve:Product:SupportEmail is not an email address. Set it to one that customers can write to, such as "
                + "support@example.com.");
        }

        return new ProductOptions { Name = name, SupportEmail = support, Url = ServerOptions.Url(configuration, "PyResolve:Product:Url") };
    }

    private static bool IsAddress(string text) =>
        text.Split('@') is [{ Length: > 0 }, { Length: > 0 }]
        && !text.Any(static letter => char.IsWhiteSpace(letter) || char.IsControl(letter) || letter is '<' or '>' or ',');
}
