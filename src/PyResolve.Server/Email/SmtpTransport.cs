using System.Globalization;
using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace PyResolve.Server.Email;

internal sealed record SmtpSettings(string Host, int Port, string? User, string? Password, SecureSocketOptions Security)
{
    /// <summary>Host and port only, so that the password never reaches a log.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");
}

/// <summary>Sends emails to a mail server, with one connection per email: they are rare.</summary>
internal sealed class SmtpTransport(SmtpSettings settings, MailboxAddress from, TimeProvider time) : IEmailTransport
{
    private const int TimeoutMilliseconds = 30_000;

    public string Name => $"the mail server {settings}";

    public string Fix =>
        "Correct PyResolve:Smtp:Host, Port, Tls, User and Password, or let this machine reach the mail server through the firewall.";

    public async Task SendAsync(EmailMessage message, CancellationToken cancellationToken)
    {
        using var mime = message.ToMime(from, time);
        await RunAsync((client, token) => client.SendAsync(mime, token), cancellationToken);
    }

    public Task CheckAsync(CancellationToken cancellationToken) =>
        RunAsync(static (client, token) => client.NoOpAsync(token), cancellationToken);

    private async Task RunAsync(Func<SmtpClient, CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(TimeoutMilliseconds);
        using var client = new SmtpClient { Timeout = TimeoutMilliseconds };
        try
        {
            await client.ConnectAsync(settings.Host, settings.Port, settings.Security, deadline.Token);
            if (settings.User is not null)
                await client.AuthenticateAsync(settings.User, settings.Password ?? "", deadline.Token);
            await work(client, deadline.Token);
            await client.DisconnectAsync(quit: true, deadline.Token);
        }
        catch (SmtpCommandException exception)
        {
            // A 5xx about a recipient or a message is final. For other errors the operator can fix the settings.
            var isFinal = (int)exception.StatusCode >= 500
                && exception.ErrorCode is SmtpErrorCode.RecipientNotAccepted or SmtpErrorCode.MessageNotAccepted;
            throw new EmailDeliveryException(
                $"the mail server {settings} answered {(int)exception.StatusCode} ({exception.ErrorCode})", isFinal, exception);
        }
        catch (AuthenticationException exception)
        {
            throw new EmailDeliveryException(
                $"the mail server {settings} refused PyResolve:Smtp:User and Password", isPermanent: false, exception);
        }
        catch (Exception exception) when (exception is SocketException or IOException or ProtocolException
            or ServiceNotConnectedException or SslHandshakeException or NotSupportedException)
        {
            throw new EmailDeliveryException(
                $"the mail server {settings} cannot be reached: {exception.Message}", isPermanent: false, exception);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new EmailDeliveryException($"the mail server {settings} does not answer", isPermanent: false, exception);
        }
    }
}
