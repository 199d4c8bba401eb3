namespace PyResolve.Server.Hosting;

/// <summary>The part of <see cref="SettingsTable"/> that is about other services and programs.</summary>
internal static class SettingsTableOfServices
{
    private const string None = "none";
    private const string Off = "false";

    public static IReadOnlyList<SettingsSection> Sections { get; } =
    [
        new("Stripe", "stripe.md",
        [
            new("STRIPE_SECRET_KEY", "sk_… or a restricted rk_…", "none: nothing is sold") { IsSecret = true },
            new("STRIPE_WEBHOOK_SECRET", "Of the webhook endpoint; several, comma-separated, while you replace one",
                "none: events are refused, and Stripe keeps them")
            {
                IsSecret = true,
            },
            new("STRIPE_PRICE_PRO", "The price of the plan pro", "none: it is not for sale"),
            new("STRIPE_PRICE_UNLIMITED", "The price of the plan unlimited", "none: it is not for sale"),
            new("STRIPE_API_BASE", "Another address, such as a simulator on this machine", "https://api.stripe.com"),
            new("STRIPE_PORTAL_CONFIGURATION", "Which portal configuration to use", "the Stripe account's default"),
            new("PyResolve:Stripe:GraceDays", "How long a plan continues after a failed payment, 0 to 60", "7"),
            new("PyResolve:Stripe:UnknownPriceDays",
                "How long a plan continues after its price was replaced by one without a plan, 0 to 365", "30"),
            new("PyResolve:Stripe:AutomaticTax", "true: Stripe Tax adds the tax at checkout", Off),
            new("PyResolve:Stripe:TaxIds", "true: a business may enter its name and tax id at checkout", Off),
            new("PyResolve:Stripe:TaxCode", "The tax code of products that stripe setup makes", "txcd_10103001"),
            new("PyResolve:Stripe:PromotionCodes", "true: checkout takes promotion codes", Off),
            new("PyResolve:Stripe:ManagedPayments", "Whether Stripe is the seller (true), or you are (false)",
                "as the Stripe account is set"),
            new("PyResolve:Stripe:Locale", "The language of checkout and portal, such as de", "that of the browser"),
            new("PyResolve:Stripe:DisputeEndsPlan", "true: a disputed payment ends the plan until the dispute is won", Off),
            new("PyResolve:Stripe:EventsMinutes", "How often to look for missed events", "60"),
            new("PyResolve:Stripe:RequestsPerSecond", "The most calls to Stripe within a second, of this instance",
                "80, with a test key 20"),
            new("PyResolve:Stripe:SuccessUrl", "Where people land after paying", "/billing"),
            new("PyResolve:Stripe:CancelUrl", "Where people land after leaving the checkout", "/billing"),
            new("PyResolve:Stripe:ReturnUrl", "Where people land after the portal", "/billing"),
        ]),
        new("Supabase", "supabase.md",
        [
            new("SUPABASE_URL", "The project, such as https://abc.supabase.co", None),
            new("SUPABASE_JWT_SECRET", "For projects whose tokens are signed with a shared secret", None) { IsSecret = true },
            new("SUPABASE_ANON_KEY", "For sign-in on the pages", None) { IsSecret = true },
            new("PyResolve:Supabase:ConfirmsEmails", "true: the project confirms addresses, so that they prove who owns an account", Off),
            new("PyResolve:Supabase:Passwords", "true: a form on the sign-in page for passwords that Supabase keeps", Off),
            new("PyResolve:Supabase:Providers", "Buttons on the sign-in page, such as github, azure", None),
        ]),
        new("OpenID Connect", "identity.md",
        [
            new("PyResolve:Oidc:<n>:Issuer", "An issuer whose tokens are accepted", None),
            new("PyResolve:Oidc:<n>:Audience", "Who its tokens must be for", None),
            new("PyResolve:Oidc:<n>:JwksUrl", "Where its keys are", "as its discovery document says"),
            new("PyResolve:Oidc:<n>:Name", "What its button says", "its host"),
            new("PyResolve:Oidc:<n>:ClientId", "For a button on the sign-in page", "none: no button"),
            new("PyResolve:Oidc:<n>:ClientSecret", "The secret of that client", None) { IsSecret = true },
        ]),
        new("Migrations on the server", "migrate.md#configure-migrators",
        [
            new("PyResolve:Migrators:<library>:<tier>", "The command of a migrator", "none; in Development pydantic:tier1 is built in"),
            new("PyResolve:Migrate:Seconds", "How long it may run, 1 to 3600", "300"),
            new("PyResolve:Migrate:MemoryMegabytes", "Memory of all its processes", "1024"),
            new("PyResolve:Migrate:Processes", "How many processes and threads it may have", "128"),
            new("PyResolve:Migrate:OutputKilobytes", "What it may print", "1024"),
            new("PyResolve:Migrate:DiskMegabytes", "What its folder may hold", "256"),
            new("PyResolve:Migrate:Concurrent", "Migrations at a time on an instance", "the number of processors"),
            new("PyResolve:Migrate:ConcurrentPerAccount", "Migrations of one account at a time on an instance", "2"),
            new("PyResolve:Migrate:Environment:<name>", "A variable that migrators find in their environment", None) { IsSecret = true },
            new("PyResolve:Migrate:Folder", "Where the private folders are", "pyresolve-migrations in the folder for temporary files"),
            new("PyResolve:Migrate:FirstUserId", "The first of 1,000 user ids for migrations, where the server runs as root", "64000"),
            new("PyResolve:Migrate:Bubblewrap", "Whether bwrap is used where it works", "true"),
            new("PyResolve:Migrate:Wrapper", "A command to put before the migrator's: another sandbox", None),
        ]),
    ];
}
