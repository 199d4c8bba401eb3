using MailKit.Security;
using MimeKit;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;
using PyResolve.Server.Telemetry;

namespace PyResolve.Server.Email;

internal static class EmailServices
{
    private const int SubmissionPort = 587;
    private const int ImplicitTlsPort = 465;

    /// <summary>
    /// Adds what sends emails: SMTP, else a folder (in Development <c>outgoing-mail</c> beside the data), else nothing is sent.
    /// </summary>
    /// <exception cref="InvalidConfigurationException">The settings cannot work.</exception>
    public static IServiceCollection AddEmail(
        this IServiceCollection services, IConfiguration configuration, IHostEnvironment environment, ServerOptions options)
    {
        if (ReadSmtp(configuration) is { } smtp)
        {
            var from = ReadFrom(configuration) ?? throw new InvalidConfigurationException(
                "PyResolve:Smtp:Host is set but PyResolve:Smtp:From is not: set it to the address that emails come from.");
            services.AddSingleton<IEmailTransport>(provider => new SmtpTransport(smtp, from, provider.GetRequiredService<TimeProvider>()));
        }
        else if (ReadFolder(configuration, environment, options) is { } folder)
        {
            var from = ReadFrom(configuration) ?? new MailboxAddress(ProductOptions.Read(configuration).Name, "pyresolve@localhost");
            services.AddSingleton<IEmailTransport>(provider => new PickupFolder(folder, from, provider.GetRequiredService<TimeProvider>()));
        }

        return services
            .AddSingleton(provider => new EmailOutbox(
                provider.GetRequiredService<Database>(),
                provider.GetService<IEmailTransport>(),
                provider.GetRequiredService<TimeProvider>()))
            .AddHostedService(provider => new EmailSender(
                provider.GetRequiredService<Database>(),
                provider.GetRequiredService<EmailOutbox>(),
                provider.GetRequiredService<ComposeEmail>(),
                provider.GetService<IEmailTransport>(),
                provider.GetRequiredService<ServerMetrics>(),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<EmailSender>>()));
    }

    private static string? ReadFolder(IConfiguration configuration, IHostEnvironment environment, ServerOptions options)
    {
        if (ServerOptions.Text(configuration, "PyResolve:EmailFolder") is { } folder)
            return Path.GetFullPath(folder);
        return environment.IsDevelopment() ? Path.Combine(options.DataFolder, "outgoing-mail") : null;
    }

    private static SmtpSettings? ReadSmtp(IConfiguration configuration)
    {
        if (ServerOptions.Text(configuration, "PyResolve:Smtp:Host") is not { } host)
            return null;
        var port = ServerOptions.Number(configuration, "PyResolve:Smtp:Port", SubmissionPort, 1, ushort.MaxValue);
        var security = ServerOptions.Text(configuration, "PyResolve:Smtp:Tls") switch
        {
            null => port == ImplicitTlsPort ? SecureSocketOptions.SslOnConnect : SecureSocketOptions.StartTls,
            "starttls" => SecureSocketOptions.StartTls,
            "implicit" => SecureSocketOptions.SslOnConnect,
            "none" => SecureSocketOptions.None,
            var other => throw new InvalidConfigurationException(
                $"PyResolve:Smtp:Tls is {ServerOptions.Quote(other)}; "
                + "it must be starttls (the default), implicit (the default on port 465) or none."),
        };
        var user = ServerOptions.Text(configuration, "PyResolve:Smtp:User");
        if (user is not null && security is SecureSocketOptions.None && !IsLoopback(host))
        {
            throw new InvalidConfigurationException(
                "PyResolve:Smtp:Tls is none and PyResolve:Smtp:User is set: the password would be sent unencrypted. "
                + "Use starttls or implicit.");
        }

        return new SmtpSettings(host, port, user, configuration["PyResolve:Smtp:Password"], security);
    }

    private static bool IsLoopback(string host) =>
        host is "localhost" || (System.Net.IPAddress.TryParse(host, out var address) && System.Net.IPAddress.IsLoopback(address));

    private static MailboxAddress? ReadFrom(IConfiguration configuration)
    {
        if (ServerOptions.Text(configuration, "PyResolve:Smtp:From") is not { } text)
            return null;
        return MailboxAddress.TryParse(text, out var from)
            ? from
            : throw new InvalidConfigurationException(
                $"PyResolve:Smtp:From is '{text}'; it must be an address, such as PyResolve <billing@example.com>.");
    }
}
