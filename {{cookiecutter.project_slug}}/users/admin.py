from django.contrib import admin
from paas.accounts.admin import UserAdmin

from users.models import User

admin.site.register(User, UserAdmin)
