namespace PyResolve.Server.Email;

internal interface IEmailTransport
{
    /// <exception cref="EmailDeliveryException">The message was not accepted.</exception>
    Task SendAsync(EmailMessage message, CancellationToken cancellationToken);
}

/// <summary>Writes an email just before it is sent.</summary>
/// <returns><see langword="null"/> where there is no recipient, or no reason to send it any more.</returns>
internal delegate Task<EmailMessage?> ComposeEmail(DueEmail due, CancellationToken cancellationToken);

/// <summary>A message was not accepted.</summary>
/// <param name="reason">The cause, for the operator, without the message's content or address.</param>
/// <param name="isPermanent">Whether trying again is pointless.</param>
/// <param name="cause">The underlying exception.</param>
internal sealed class EmailDeliveryException(string reason, bool isPermanent, Exception? cause = null) : Exception(reason, cause)
{
    public bool IsPermanent => isPermanent;
}
