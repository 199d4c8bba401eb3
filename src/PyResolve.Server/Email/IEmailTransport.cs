namespace PyResolve.Server.Email;

internal interface IEmailTransport
{
    /// <summary>The server or folder that it hands emails to, within a sentence.</summary>
    string Name { get; }

    /// <summary>What an operator can do where it does not work.</summary>
    string Fix { get; }

    /// <exception cref="EmailDeliveryException">The message was not accepted.</exception>
    Task SendAsync(EmailMessage message, CancellationToken cancellationToken);

    /// <summary>Checks whether messages would be accepted, without sending one.</summary>
    /// <exception cref="EmailDeliveryException">A message would not be accepted.</exception>
    Task CheckAsync(CancellationToken cancellationToken);
}

/// <summary>Writes an email just before it is sent. null where there is no recipient, or no reason to send it any longer.</summary>
internal delegate Task<EmailMessage?> ComposeEmail(DueEmail due, CancellationToken cancellationToken);

/// <summary>An email was not accepted. <paramref name="reason"/> is for the operator, without the message's content or address.</summary>
internal sealed class EmailDeliveryException(string reason, bool isPermanent, Exception? cause = null) : Exception(reason, cause)
{
    public bool IsPermanent => isPermanent;
}
