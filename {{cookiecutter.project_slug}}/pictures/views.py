import logging

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.messages.views import SuccessMessageMixin
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django.views.generic import FormView

from pictures.forms import PictureForm
from pictures.models import Picture, replace_picture

logger = logging.getLogger(__name__)


# The page has a signed URL, which expires after an hour.
@method_decorator(never_cache, name="dispatch")
class PictureView(LoginRequiredMixin, SuccessMessageMixin, FormView):
    """Show the user's picture, with a form to upload another."""

    template_name = "pictures/picture.html"
    form_class = PictureForm
    success_url = reverse_lazy("picture")
    success_message = _("Your picture was changed.")

    def form_valid(self, form):
        try:
            replace_picture(self.request.user, form.cleaned_data["image"])
        except OSError as error:
            logger.error("A picture could not be stored: %s", error)
            form.add_error("image", _("The picture could not be stored. Please try again later."))
            return self.form_invalid(form)
        return super().form_valid(form)


@require_POST
@login_required
def remove_picture(request):
    Picture.objects.filter(user=request.user).delete()
    messages.success(request, _("Your picture was removed."))
    return redirect("picture")
